"""The composite, mixed signals, and surveys that the arms answer differently."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from canary.decision.composite import composite_verdict
from canary.decision.engine import evaluate
from canary.decision.facts import Cell, Facts
from canary.decision.gates import gate_verdicts
from canary.decision.mixed_signals import mixed_signals
from canary.decision.outcome import look_taken
from canary.decision.pairs import PairsByMetric
from canary.decision.response import response_pairs, unlike_response
from canary.decision.verdicts import VerdictKind
from canary.policy.compiled import Gate
from canary.release.events import Resumed
from canary.release.machine import decide
from canary.release.model import Cause, DecisionKind
from canary.statistics.composite import weighted_composite
from tests.canary.decision.looks import DAY, HOUR, at_stage, binary, cells, facts, policy
from tests.canary.samples import metric


def block_facts(as_of: float, data: tuple[Cell, ...]) -> Facts:
    """What the present block shows, with too little before it for the harm sequence to act on."""
    return replace(facts(as_of), block_cells=data)


A5_WEIGHTS = {
    "recommendation": 0.25,
    "checkout_help": 0.20,
    "product_discovery": 0.15,
    "return_request": 0.10,
    "others": 0.30,
}


def test_the_sources_worked_example_is_arithmetic_on_mixed_units() -> None:
    """+3% satisfaction and -7 points of completion make +0.05%, which decides nothing."""
    changes = dict.fromkeys(A5_WEIGHTS, 0.0) | {"recommendation": 0.03, "return_request": -0.07}
    assert weighted_composite(A5_WEIGHTS, changes).effect == pytest.approx(0.0005)


@pytest.mark.parametrize(
    ("completion", "kind"),
    [(0.78, VerdictKind.PASS), (0.80, VerdictKind.PASS), (0.74, VerdictKind.FAIL)],
)
def test_the_composite_fails_when_it_is_surely_negative(
    completion: float, kind: VerdictKind
) -> None:
    """It passes within half a percent, proved."""
    found = composite_verdict(
        policy(), PairsByMetric(cells(200_000, stage=2, canary={"completion": completion}))
    )
    assert found.kind is kind
    assert found.estimate == pytest.approx(completion / 0.78 - 1)
    assert found.lower < found.estimate < found.upper


def test_the_composite_stays_open_without_data_or_certainty() -> None:
    """An intent that carries weight and has no customers leaves it open, and is named."""
    some = tuple(cell for cell in cells(200_000, stage=2) if cell.stratum != "faq")
    found = composite_verdict(policy(), PairsByMetric(some))
    assert (found.kind, math.isnan(found.estimate)) == (VerdictKind.INCONCLUSIVE, True)
    assert "no data for faq" in found.sentence
    assert (
        composite_verdict(policy(), PairsByMetric(cells(2_000, stage=2))).kind
        is VerdictKind.INCONCLUSIVE
    )


@pytest.mark.parametrize("busy", ["escalation", "recommendation"])
def test_the_composite_does_not_depend_on_the_mix_that_came(busy: str) -> None:
    """Post-stratified: an intent that came ten times as often weighs what the policy gives it."""
    changed = {"escalation": {"completion": 0.88}, "faq": {"completion": 0.70}}
    usual = cells(2_000, stage=2, changed=changed)
    many = cells(20_000, stage=2, changed=changed)
    mixed = tuple(m if m.stratum == busy else u for u, m in zip(usual, many, strict=True))
    whole, other = (composite_verdict(policy(), PairsByMetric(each)) for each in (usual, mixed))
    assert other.n_canary > whole.n_canary
    assert other.estimate == pytest.approx(whole.estimate)
    assert whole.estimate == pytest.approx(0.1 * (0.10 - 0.08) / 0.78)


def test_gains_here_and_losses_there_are_mixed_signals() -> None:
    """One intent proved better, another proved worse, after Holm over all of them."""
    changed = {"recommendation": {"completion": 0.82}, "return_request": {"completion": 0.74}}
    found = mixed_signals(policy(), PairsByMetric(cells(20_000, stage=2, changed=changed)))
    assert (found.harmed, found.helped) == (("return_request",), ("recommendation",))
    assert "recommendation gained while return_request lost" in found.sentence
    assert not mixed_signals(policy(), PairsByMetric(cells(20_000, stage=2))).found
    only_gain = cells(20_000, stage=2, changed={"recommendation": {"completion": 0.82}})
    assert not mixed_signals(policy(), PairsByMetric(only_gain)).found


def test_one_intent_that_loses_much_is_enough() -> None:
    """Five points at p < .05, without any gain; four points are not much."""
    for completion, much in ((0.72, ("faq",)), (0.74, ())):
        changed = {"faq": {"completion": completion}}
        found = mixed_signals(policy(), PairsByMetric(cells(20_000, stage=2, changed=changed)))
        assert (found.much_harmed, found.found) == (much, bool(much))


def test_mixed_signals_hold_at_25_percent_until_a_person_resumes_over_them() -> None:
    """A5: the hold asks for a root cause within 48 hours; resumed, it does not come again here."""
    own = policy(gates=(Gate("error", 2, "must_pass", "points", 0.0025),))
    changed = {"recommendation": {"completion": 0.82}, "return_request": {"completion": 0.74}}
    look = block_facts(24 * HOUR, cells(20_000, stage=2, changed=changed))
    state = at_stage(2, of=own)
    found = evaluate(own, state, look)
    assert (found.kind, found.cause) == (DecisionKind.HOLD, Cause.SIGNALS)
    assert found.hold_until == look.as_of + 48 * HOUR
    held, _ = decide(state, look_taken(found))
    assert held.hold is not None
    assert held.hold.until == found.hold_until
    late = evaluate(own, held, block_facts(look.as_of + 49 * HOUR, look.block_cells))
    assert (late.kind, "Overdue" in late.reason) == (DecisionKind.HOLD, True)
    resumed, _ = decide(held, Resumed(look.as_of + 50 * HOUR, by="ann"))
    again = evaluate(own, resumed, block_facts(look.as_of + 74 * HOUR, look.block_cells))
    assert again.kind is DecisionKind.ADVANCE
    assert ("mixed signals", "accepted by a person") in [
        (rule.name, rule.outcome) for rule in again.rules
    ]


def test_a_revenue_critical_loss_blocks_whatever_the_composite() -> None:
    """A5's first rule: everything else gains, checkout_help loses seven points."""
    own = policy(
        gates=(
            Gate("completion", 2, "must_pass", "points", -0.05, scope="revenue_critical"),
            Gate("error", 2, "must_pass", "points", 0.0025),
        )
    )
    changed = {name.name: {"completion": 0.82} for name in own.intents}
    changed["checkout_help"] = {"completion": 0.70}
    look = block_facts(24 * HOUR, cells(50_000, stage=2, changed=changed))
    assert composite_verdict(own, look.block).kind is VerdictKind.PASS
    found = evaluate(own, at_stage(2, of=own), look)
    assert (found.kind, found.cause) == (DecisionKind.HOLD, Cause.GATE)
    assert "completion, checkout_help" in found.reason


SURVEYED = (
    metric("survey_response", numerator="surveys", denominator="outcomes", better="higher"),
    metric("csat", measure="mean", denominator="surveys", better="higher"),
)


def surveyed(canary_response: float) -> tuple[Cell, ...]:
    """Half a million customers; satisfaction is the same in both arms."""
    found = []
    for arm, share, response in (("control", 0.75, 0.1), ("canary", 0.25, canary_response)):
        n = 500_000 * share
        csat = binary(n * response, 0.8)
        measures = {"survey_response": binary(n, response), "csat": csat}
        found.append(Cell("faq", 0.25, 2, arm, measures))
    return tuple(found)


@pytest.mark.parametrize(
    ("response", "kind"),
    [(0.1, VerdictKind.PASS), (0.1015, VerdictKind.PASS), (0.11, VerdictKind.INCONCLUSIVE)],
)
def test_satisfaction_has_no_verdict_where_the_arms_answer_differently(
    response: float, kind: VerdictKind
) -> None:
    """A gap must be both certain and above 2% of the control's rate."""
    gate = Gate("csat", 2, "must_pass", "relative", -0.01)
    own = policy(metrics=(*policy().metrics[:4], *SURVEYED), gates=(gate,))
    (found,) = gate_verdicts(own, 2, facts(DAY, surveyed(response)))
    assert found.kind is kind
    assert ("answer the survey" in found.sentence) == (kind is VerdictKind.INCONCLUSIVE)
    assert bool(unlike_response(own, response_pairs(own, PairsByMetric(surveyed(response))))) == (
        kind is VerdictKind.INCONCLUSIVE
    )
