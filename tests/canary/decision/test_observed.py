"""What is observed appears in every judged look, and decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.decision.engine import evaluate
from canary.decision.facts import Facts, IntentCell, Moments
from canary.decision.intent_mix import intent_shift
from canary.decision.observed import observed_verdicts
from canary.decision.record import LookRecord
from canary.decision.verdicts import Verdict, VerdictKind
from tests.canary.decision.looks import DAY, HOUR, at_stage, cells, facts, policy
from tests.canary.samples import metric

TOKENS = metric("tokens", role="observational", measure="mean", denominator="conversations")
SHIFT = metric("intent_shift", role="observational", numerator="intent_changed")
OWN = policy(metrics=(*policy().metrics, TOKENS, SHIFT))
INTENTS = [intent.name for intent in OWN.intents]
STATES = [(1, 4 * HOUR), (1, HOUR), (2, 24 * HOUR), (3, 14 * DAY)]


def asked(
    arm: str, shares: Sequence[float], *, customers: int, each: int = 1, stratum: str = "faq"
) -> IntentCell:
    """Customers who wrote `each` later messages, all of one intent, in these shares."""
    y = tuple(float(round(customers * share)) * each for share in shares)
    yy = tuple(
        tuple(y[i] * each if i == j else 0.0 for j in range(i, len(y))) for i in range(len(y))
    )
    n = float(sum(y))
    ny = tuple(value * each for value in y)
    return IntentCell(stratum, 0.5, arm, n / each, n, n * each, y, ny, yy)


def mixes(shift: float, *, customers: int = 2000, each: int = 1) -> tuple[IntentCell, ...]:
    """Both arms; the canary's customers ask more for the first intent, less for the second."""
    shares = [1 / len(INTENTS)] * len(INTENTS)
    moved = [shares[0] + shift, shares[1] - shift, *shares[2:]]
    return (
        asked("control", shares, customers=customers, each=each),
        asked("canary", moved, customers=customers, each=each),
    )


def observed(known: Facts) -> dict[str, Verdict]:
    return {verdict.metric: verdict for verdict in observed_verdicts(OWN, known)}


def test_a_shift_of_what_customers_ask_for_is_found_and_named() -> None:
    """Three points more for one intent over 8,000 customers an arm."""
    known = facts(HOUR, later_intents=mixes(0.03, customers=8000))
    found = observed(known)["intent_shift"]
    assert (found.kind, found.gate) == (VerdictKind.INCONCLUSIVE, "observed")
    assert found.estimate == pytest.approx(0.03)
    assert found.lower < 0.03 < found.upper
    assert f"asked for {INTENTS[0]}: 3.00 points more than the old model" in found.sentence
    assert found.sentence.endswith("the mix has shifted")


def test_the_same_mix_is_no_shift() -> None:
    """Whatever its strata: equal shares give a p-value of 1."""
    found = intent_shift(mixes(0.0), len(INTENTS))
    assert found is not None
    assert found.test.p_value == pytest.approx(1)
    assert set(found.differences) == {0.0}


def test_one_customer_s_many_messages_are_one_voice() -> None:
    """Ten messages of each customer: the same shares, ten times the messages, no surer."""
    once, often = (intent_shift(mixes(0.03, each=each), len(INTENTS)) for each in (1, 10))
    assert once is not None
    assert often is not None
    assert often.n_control == 10 * once.n_control
    assert often.test.statistic == pytest.approx(once.test.statistic)


def test_other_rates_by_intent_are_no_shift() -> None:
    """A quarter of one stratum's customers and half of another's: compared within each."""
    flat = [1 / len(INTENTS)] * len(INTENTS)
    steep = [0.55, *[0.05] * (len(INTENTS) - 1)]
    ramped = (
        asked("control", flat, customers=9000),
        asked("canary", flat, customers=1000),
        asked("control", steep, customers=5000, stratum="chitchat"),
        asked("canary", steep, customers=5000, stratum="chitchat"),
    )
    found = intent_shift(ramped, len(INTENTS))
    assert found is not None
    assert found.test.p_value == pytest.approx(1)


def test_too_few_customers_say_nothing() -> None:
    """Fewer than 30 an arm, one arm only, or none."""
    for known in ((), mixes(0.03, customers=20), mixes(0.03)[:1]):
        found = observed(facts(HOUR, later_intents=tuple(known)))["intent_shift"]
        assert "no data to compare" in found.sentence


def test_tokens_are_told_as_more_or_less() -> None:
    """Relative to the old model, and no verdict."""
    data = cells(2_000, of=OWN)
    with_tokens = tuple(
        replace(
            cell,
            measures={**cell.measures, "tokens": spent(1.1 if cell.arm == "canary" else 1.0)},
        )
        for cell in data
    )
    found = observed(facts(HOUR, with_tokens))["tokens"]
    assert found.estimate == pytest.approx(0.1)
    assert "only observed: 10.0% more than the old model" in found.sentence


def spent(factor: float, units: float = 500.0) -> Moments:
    """Customers with one conversation of about 100 tokens each."""
    mean = 100 * factor
    return Moments(units, units, units * mean, units, units * mean, units * (mean**2 + 400))


@settings(max_examples=60, deadline=None)
@given(
    shift=st.floats(-0.1, 0.1),
    factor=st.floats(0.01, 100),
    customers=st.integers(2, 100_000),
    state=st.sampled_from(STATES),
    canary=st.sampled_from([0.70, 0.78, 0.82]),
)
def test_no_value_of_what_is_observed_changes_a_decision(
    shift: float, factor: float, customers: int, state: tuple[int, float], canary: float
) -> None:
    """Kind, reason, wait and every rule stay; only the verdicts have more lines."""
    stage, at = state
    plain = facts(float(at), cells(20_000, stage=stage, canary={"completion": canary}, of=OWN))
    data = tuple(
        replace(cell, measures={**cell.measures, "tokens": spent(factor if i % 2 else 1.0)})
        for i, cell in enumerate(plain.cells)
    )
    seen = replace(
        plain, cells=data, block_cells=data, later_intents=mixes(shift, customers=customers)
    )
    without = replace(OWN, metrics=policy().metrics)
    bare, full = (
        evaluate(of, at_stage(stage, of=of), known) for of, known in ((without, plain), (OWN, seen))
    )
    assert (full.kind, full.reason, full.wait_seconds) == (
        bare.kind,
        bare.reason,
        bare.wait_seconds,
    )
    assert full.rules == bare.rules
    assert [v for v in full.verdicts if v.gate != "observed"] == list(bare.verdicts)
    judged = any(verdict.gate != "test" for verdict in bare.verdicts)
    assert any(verdict.gate == "observed" for verdict in full.verdicts) is judged


def test_what_is_observed_survives_the_record() -> None:
    """The look with all its parts comes back from JSON, and replays."""
    state = replace(at_stage(1, of=OWN), policy=OWN.to_json())
    known = facts(4 * HOUR, cells(20_000, of=OWN), later_intents=mixes(0.03))
    taken = evaluate(OWN, state, known)
    record = LookRecord(state, known, None, taken.to_exact_dict())
    again = LookRecord.from_json(record.to_json())
    assert again == record
    assert again.replay() == record.decision
