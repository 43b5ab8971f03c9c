"""What a drill asks of a rollback, and what a rollback makes of a drill."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from canary.release import events
from canary.release.actions import Notify, PublishAssignment, RememberCandidate, Save
from canary.release.drill import (
    EVERY_SECONDS,
    PINNED_FORM,
    DrillReport,
    Seen,
    Step,
    drill_record,
    due,
    failures,
)
from canary.release.machine import decide
from canary.release.model import Cause, Phase, ReleaseState
from canary.release.traffic import allowed_forms
from canary.routing.weights import ALL_ON_PRIMARY
from tests.canary import samples

BEFORE = {"assignment": "{}", "status": "promoted", "promoted": True}


def record() -> ReleaseState:
    return drill_record("drill-1", samples.policy(), control="model-a", at=1000.0, before=BEFORE)


def seen(**changes: Any) -> Seen:
    """A rollback of which every step has had its effect."""
    after = replace(record(), phase=Phase.ROLLED_BACK, revoked=True)
    good = Seen(
        record=after,
        lock_holder=None,
        ticked=frozenset({"told_on_call", "told_ml_engineers"}),
        snapshot={"alarms": {"canary-5xx": "ALARM"}, "counters": {}},
        assignment={"release_id": "drill-1", "active": False},
        status="rolled_back",
        flag=False,
        remembered={"drill-1": False},
        execution="ABORTED",
    )
    return replace(good, **changes)


def test_a_rollback_that_did_everything_has_no_failure() -> None:
    """The lock may be another release's by then."""
    assert failures("drill-1", seen()) == {}
    assert failures("drill-1", seen(lock_holder="r-2")) == {}


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"record": None}, Step.REVOKED),
        ({"record": record()}, Step.REVOKED),
        ({"record": replace(record(), revoked=True, strike=True)}, Step.REVOKED),
        ({"execution": "RUNNING"}, Step.EXECUTION),
        ({"lock_holder": "drill-1"}, Step.LOCK),
        ({"assignment": {"release_id": "r-0", "active": False}}, Step.ASSIGNMENT),
        ({"assignment": {"release_id": "drill-1", "active": True}}, Step.ASSIGNMENT),
        ({"status": "preparing"}, Step.STATUS),
        ({"flag": True}, Step.SESSION_FLAG),
        ({"flag": None}, Step.SESSION_FLAG),
        ({"ticked": frozenset({"told_ml_engineers"})}, Step.TOLD_ON_CALL),
        ({"ticked": frozenset({"told_on_call"})}, Step.TOLD_ML_ENGINEERS),
        ({"remembered": {}}, Step.MEMORY),
        ({"remembered": {"drill-1": True}}, Step.MEMORY),
        ({"snapshot": {}}, Step.DIAGNOSTICS),
    ],
)
def test_an_effect_that_is_missing_is_named(changes: dict[str, Any], step: Step) -> None:
    """One step, and words for it."""
    found = failures("drill-1", seen(**changes))
    assert list(found) == [step]
    assert found[step]


def test_a_report_names_the_first_step_that_failed() -> None:
    """In the order of steps, not of finding out; the first word on a step stays."""
    report = DrillReport("drill-1", 0.0, fault_at=10.0, alarm_at=100.0, safe_at=101.5)
    report.fail(Step.MEMORY, "forgotten")
    report.fail(Step.WEIGHTS, "25")
    report.fail(Step.WEIGHTS, "later")
    report.close(200.0)
    assert (report.outcome, report.step, report.detail) == ("failed", "weights", "25")
    assert list(report.failures) == ["weights", "memory"]
    assert report.seconds() == {
        "fault_to_alarm": 90.0,
        "alarm_to_safe": 1.5,
        "alarm_to_last_canary_request": None,
        "whole": 200.0,
    }


def test_a_scheduled_drill_is_due_after_a_week_less_half_a_day() -> None:
    """So that the same morning of the next week is one."""
    assert due(None, 0.0)
    assert not due(1000.0, 1000.0 + EVERY_SECONDS - 1)
    assert due(1000.0, 1000.0 + EVERY_SECONDS)


@pytest.mark.parametrize("asked", [True, False])
def test_a_rollback_of_a_drill_is_no_strike_whoever_asks(asked: bool) -> None:
    """Its memory is its own, and people are told that no customer met it."""
    event = events.RollbackRequested(2000.0, Cause.CRITICAL_ALARM, strike=asked, reject=asked)
    after, actions = decide(record(), event)
    assert (after.phase, after.strike, after.revoked) == (Phase.ROLLED_BACK, False, True)
    (memory,) = [each for each in actions if isinstance(each, RememberCandidate)]
    assert (memory.model_id, memory.strike, memory.rejected) == ("drill", False, False)
    (told,) = [each for each in actions if isinstance(each, PublishAssignment)]
    assert told.parameter.promoted is True
    assert told.parameter.active is False
    texts = [each.text for each in actions if isinstance(each, Notify)]
    assert texts
    assert all(text.startswith("A drill: no customer met the canary.") for text in texts)


@pytest.mark.parametrize(
    "event",
    [
        events.OperatorHeld(1.0),
        events.AlarmPaused(1.0, ("canary-silent",)),
        events.StageOrdered(1.0, 1),
        events.MachineryFailed(1.0, alarms_ok=True),
    ],
)
def test_nothing_else_happens_to_a_drill(event: events.Event) -> None:
    """It is neither held nor moved to a stage."""
    assert decide(record(), event) == (record(), ())


def test_a_drill_loads_its_model_as_a_release_does() -> None:
    """The scale cycle is the progression's own."""
    after, actions = decide(record(), events.CycleStarted(1500.0))
    assert (after.phase, after.cycle_started_at) == (Phase.PREPARING, 1500.0)
    assert Save() in actions


def test_a_drill_may_open_the_canary_s_rule_and_no_other() -> None:
    """Nothing is drawn for it; whatever else is found is repaired to the safe arm."""
    assert allowed_forms(record()) == (ALL_ON_PRIMARY, PINNED_FORM)
    assert (PINNED_FORM.draw, PINNED_FORM.control) == (0, 0)
    revoked = replace(record(), revoked=True)
    assert allowed_forms(revoked) == (ALL_ON_PRIMARY,)
