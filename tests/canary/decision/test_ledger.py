"""The ledger at the last look: beside the boundary, once, and above a person's resume."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from canary.aws.items import to_item
from canary.decision.confirmatory import last_look
from canary.decision.engine import evaluate
from canary.decision.outcome import Decision, look_taken
from canary.decision.record import LookRecord
from canary.ledger.view import LedgerView
from canary.release.events import Resumed
from canary.release.machine import decide
from canary.release.model import Cause, DecisionKind, ReleaseState
from tests.canary.decision.looks import DAY, at_stage, cells, facts, policy

LAST = at_stage(
    3,
    of=policy(),
    v_max=200_000.0,
    looks_done=3,
    look_information=(20.0, 45.0, 80.0),
    registered=True,
)
VIEW = LedgerView("t1", "revenue_critical", "lord", 0.05, 0.000268, (0.3, 0.01))
BETTER = cells(250, stage=3, canary={"completion": 0.83})
"""z about 3: over the boundary of 1.97, not enough for a first test of LORD++."""


def look(view: LedgerView | None, state: ReleaseState = LAST, at: float = 14 * DAY) -> Decision:
    return evaluate(policy(), state, facts(at, BETTER, ledger=view))


def inputs(decision: Decision) -> dict[str, Any]:
    (rule,) = [rule for rule in decision.rules if rule.name == "ledger"]
    return dict(rule.inputs) | {"outcome": rule.outcome}


def test_a_crossed_boundary_without_consent_asks_a_person() -> None:
    """HOLD with the numbers; the record keeps p-value and answer."""
    found = look(VIEW)
    assert (found.kind, found.cause, found.rule) == (DecisionKind.HOLD, Cause.SIGNALS, "ledger")
    assert (found.benefit, found.consent, found.hold_until) == (True, False, None)
    assert found.p_value is not None
    assert 0.000268 < found.p_value < 0.05
    said = inputs(found)
    assert (said["outcome"], said["p"], said["level"]) == (
        "does not consent",
        found.p_value,
        0.000268,
    )
    assert (said["tests"], said["adjusted_p"]) == (3, pytest.approx(3 * found.p_value))
    assert f"p {found.p_value:.3g} against 0.000268" in found.reason


def test_consent_and_boundary_together_promote() -> None:
    """The same look with a level above its p-value."""
    found = look(replace(VIEW, level=0.01))
    assert (found.kind, found.consent) == (DecisionKind.PROMOTE, True)
    assert inputs(found)["outcome"] == "consents"


def test_benjamini_hochberg_decides_where_the_entry_says_so() -> None:
    """Adjusted under q = .05 although it is above LORD++'s level."""
    assert look(replace(VIEW, method="bh")).kind is DecisionKind.PROMOTE


def test_consent_without_a_crossed_boundary_promotes_nothing() -> None:
    """A level of 1 is no benefit."""
    equal = facts(14 * DAY, cells(1_500, stage=3), ledger=replace(VIEW, level=0.9999))
    found = evaluate(policy(), LAST, equal)
    assert (found.kind, found.benefit) == (DecisionKind.HOLD, False)


def test_a_release_without_a_registration_needs_no_consent() -> None:
    """Older records and simulations carry no ledger: the boundary alone decides."""
    found = look(None)
    assert (found.kind, found.consent, found.p_value) == (DecisionKind.PROMOTE, None, None)
    assert "ledger" not in [rule.name for rule in found.rules]


def test_a_persons_resume_is_recorded_and_does_not_promote() -> None:
    """The next judged look holds again, even if the ledger would consent by then."""
    state = replace(LAST, policy=policy().to_json())
    held, _ = decide(state, look_taken(look(VIEW, state)))
    resumed, _ = decide(held, Resumed(15 * DAY, "ana"))
    assert resumed.accepted == ("ledger@3",)
    again = look(replace(VIEW, level=0.9), resumed, 18 * DAY)
    assert (again.kind, again.rule) == (DecisionKind.HOLD, "ledger")
    after, _ = decide(resumed, look_taken(again))
    assert (after.consent, after.p_value) == (False, held.p_value)


def test_the_answer_is_given_once() -> None:
    """A later look of an extended test neither asks again nor forgets."""
    state = replace(LAST, policy=policy().to_json())
    extended, _ = decide(state, look_taken(look(replace(VIEW, level=0.01), state)))
    later = look(replace(VIEW, level=1e-9), extended, 20 * DAY)
    assert later.kind is DecisionKind.PROMOTE
    assert (later.p_value, later.consent) == (None, None)


@pytest.mark.parametrize("effect", [-0.02, 0.0, 0.01, 0.02, 0.03])
def test_the_p_value_agrees_with_the_boundary(effect: float) -> None:
    """P is at most alpha exactly when the last bound is reached, and 1 for what is worse."""
    state = replace(LAST, look_information=(200.0, 450.0, 800.0))
    data = cells(1_500, stage=3, canary={"completion": 0.78 + effect})
    found = last_look(policy(), state, facts(14 * DAY, data, ledger=VIEW))
    assert found.p_value is not None
    assert (found.p_value <= 0.05) == (found.z >= found.bound)
    if effect < 0:
        assert found.p_value == 1.0


def test_no_data_is_no_small_p_value() -> None:
    """Without information nothing speaks for the candidate."""
    assert last_look(policy(), LAST, facts(14 * DAY, ledger=VIEW)).p_value == 1.0


def test_an_overwhelming_effect_has_a_p_value_that_a_first_test_can_be_held_to() -> None:
    """Not bounded by what the looks before have spent: .0027 by the default looks."""
    state = replace(LAST, look_information=(2_000.0, 5_000.0, 9_000.0))
    data = cells(100_000, stage=3, canary={"completion": 0.80})
    found = last_look(policy(), state, facts(14 * DAY, data, ledger=VIEW))
    assert found.p_value is not None
    assert found.p_value == 1e-100
    assert to_item({"p": found.p_value}) == {"p": {"N": "1E-100"}}
    assert evaluate(policy(), state, facts(14 * DAY, data, ledger=VIEW)).consent


def test_records_from_before_the_ledger_are_read() -> None:
    """Neither the look, nor the release, nor its policy knows of one."""
    state = replace(LAST, policy=policy().to_json())
    record = json.loads(LookRecord(state, facts(14 * DAY, BETTER), None, {}).to_json())
    del record["facts"]["ledger"]
    for name in ("p_value", "registered", "consent"):
        del record["state"][name]
    own = json.loads(record["state"]["policy"])
    del own["ledger"]
    record["state"]["policy"] = json.dumps(own)
    again = LookRecord.from_json(json.dumps(record))
    assert (again.facts.ledger, again.state.registered, again.state.consent) == (None, False, None)
    assert again.replay()["decision"] == "PROMOTE"


def test_a_look_with_a_ledger_replays_from_its_record() -> None:
    """The view is kept with the facts, and read back as it was."""
    state = replace(LAST, policy=policy().to_json())
    known = facts(14 * DAY, BETTER, ledger=VIEW)
    taken = evaluate(policy(), state, known)
    record = LookRecord(state, known, None, taken.to_exact_dict())
    again = LookRecord.from_json(record.to_json())
    assert (again.state, again.facts) == (state, known)
    assert again.replay() == record.decision
