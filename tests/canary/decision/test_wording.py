"""Verdicts in words: who is better, by how much, how surely, and what was asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canary.decision.confirmatory import last_look
from canary.decision.engine import evaluate
from canary.decision.facts import Moments
from canary.decision.wording import effect_words, harm_words, limit_words, subject_words
from canary.policy.compiled import Unit
from canary.statistics.intervals import Interval
from tests.canary.decision.looks import DAY, HOUR, at_stage, cells, facts, policy
from tests.canary.samples import metric

HIGHER, LOWER = metric("completion", better="higher"), metric("error")


@pytest.mark.parametrize(
    ("better", "unit", "numbers", "words"),
    [
        ("higher", "points", (0.012, 0.004, 0.02), "1.20 points better (0.40 to 2.00)"),
        ("higher", "points", (-0.012, -0.02, -0.004), "1.20 points worse (0.40 to 2.00)"),
        ("lower", "points", (0.012, -0.01, 0.034), "1.20 points worse (3.40 worse to 1.00 better)"),
        ("lower", "relative", (-0.05, -0.06, -0.04), "5.0% better (4.0 to 6.0)"),
        ("higher", "score", (0.031, -0.002, 0.07), "0.031 better (0.002 worse to 0.07 better)"),
    ],
)
def test_an_effect_says_which_model_is_better_whatever_the_metric_s_direction(
    better: str, unit: Unit, numbers: tuple[float, float, float], words: str
) -> None:
    """The interval is told on the same side as the estimate, or on both."""
    said = effect_words(Interval(*numbers), unit, metric("m", better=better))
    assert said.replace(" than the old model", "") == words


def test_no_effect_is_neither_better_nor_worse() -> None:
    """Zero, and what rounds to it."""
    for value in (0.0, 0.00001):
        said = effect_words(Interval(value, -0.01, 0.01), "points", HIGHER)
        assert said == "like the old model (1.00 worse to 1.00 better)"


def test_what_is_only_observed_is_more_or_less_and_not_better() -> None:
    """More tokens are a cost, not a verdict."""
    tokens = metric("tokens", role="observational", measure="mean")
    assert effect_words(Interval(0.03, 0.01, 0.05), "relative", tokens).startswith("3.0% more than")
    assert effect_words(Interval(-0.03, -0.05, -0.01), "relative", tokens).startswith("3.0% less")


def test_a_level_is_the_new_model_s_own() -> None:
    """Rates as per cent, times in milliseconds."""
    assert effect_words(Interval(0.0021, 0.0015, 0.003), "level", LOWER) == (
        "0.21% in the new model (0.15% to 0.3%)"
    )
    tail = metric("p99", measure="quantile")
    assert effect_words(Interval(4100, 3900, 4305.2), "level", tail) == (
        "4,100 ms in the new model (3,900 ms to 4,305 ms)"
    )


@pytest.mark.parametrize(
    ("better", "unit", "limit", "words"),
    [
        ("higher", "points", -0.05, "at most 5.00 points worse"),
        ("lower", "points", 0.0025, "at most 0.25 points worse"),
        ("higher", "points", 0.01, "at least 1.00 points better"),
        ("lower", "relative", 0.10, "at most 10.0% worse"),
        ("higher", "score", 0.0, "not worse"),
        ("lower", "level", 0.005, "at most 0.5%"),
        ("higher", "level", 0.98, "at least 98%"),
    ],
)
def test_a_limit_says_what_is_asked(better: str, unit: Unit, limit: float, words: str) -> None:
    """In the same words as the effect that it is compared with."""
    assert limit_words(limit, unit, metric("m", better=better)) == words


def test_a_scope_is_named_as_people_name_it() -> None:
    """No colons, no underscores in a metric's name."""
    assert subject_words("survey_response", "overall") == "survey response, overall"
    assert subject_words("completion", "intent:return_request") == "completion, return_request"
    assert subject_words("completion", "tier:low") == "completion, low-traffic intents"


def test_a_verdict_reads_as_one_sentence() -> None:
    """Subject, effect, interval, what was wanted, verdict."""
    found = evaluate(policy(), at_stage(1), facts(4 * HOUR, cells(20_000, canary={"error": 0.02})))
    (sentence,) = (v.sentence for v in found.verdicts if v.unit == "points")
    assert sentence.startswith("error, overall: 1.80 points worse than the old model (")
    assert sentence.endswith("); at most 0.25 points worse wanted: FAIL")


def test_proved_harm_says_how_much_at_least() -> None:
    """The bound of a metric that is turned: below zero is worse."""
    assert harm_words(-0.031, LOWER) == "at least 3.10 points worse than the old model"


def test_the_look_of_a_test_names_its_number_and_its_bound() -> None:
    """Which look of how many, the effect, and the z that decides."""
    data = cells(50_000, stage=3, canary={"completion": 0.82})
    taken = last_look(policy(), at_stage(3, v_max=50_000.0), facts(14 * DAY, data))
    assert taken.verdict.sentence.startswith(
        "completion, overall, superiority test, look 4 of 4: 4.00 points better than the old model"
    )
    assert "where 1.96 decides: PASS" in taken.verdict.sentence
    assert taken.apart < 1


def test_an_effect_that_depends_on_the_mix_of_intents_is_said() -> None:
    """The test weighs by its own data, the report by the usual shares: more than 1 SE apart.

    Here a small intent gains much and came ten times as often as usual.
    """
    gained = {"escalation": {"completion": 0.98}}
    usual = cells(3_000, stage=3, changed=gained)
    many = tuple(
        replace(
            cell,
            measures={
                name: Moments(*(10 * value for value in m)) for name, m in cell.measures.items()
            },
        )
        if cell.stratum == "escalation"
        else cell
        for cell in usual
    )
    taken = last_look(policy(), at_stage(3, v_max=50_000.0), facts(14 * DAY, many))
    assert taken.apart > 1
    assert "in the intents' usual shares 0.40 points better" in taken.verdict.sentence
    assert taken.post_stratified == pytest.approx(0.2 * 6_000 / 300_000)
