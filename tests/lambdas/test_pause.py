"""Holding a release, and lifting the hold."""

from __future__ import annotations

from typing import Any

import pytest

from canary.release.model import Cause, Hold, Phase


def alarm(name: str, value: str = "ALARM") -> dict[str, Any]:
    return {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "detail": {"alarmName": name, "state": {"value": value, "reason": "because"}},
    }


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("canary-hallucination-300s", Cause.WARNING),
        ("canary-harm-completion", Cause.WARNING),
        ("shared-error", Cause.SHARED),
        ("canary-silent", Cause.SILENCE),
    ],
)
def test_a_warning_holds_for_its_own_cause(region: Any, name: str, cause: Cause) -> None:
    """The alarm's name says why; people are told; traffic stays."""
    region.release()
    region.load("pause").handler(alarm(name), None)
    record = region.record()
    assert record.phase is Phase.HELD
    assert record.hold is not None
    assert (record.hold.cause, record.hold.alarms) == (cause, (name,))
    assert region.parameter("status") == "held"
    assert region.messages()


@pytest.mark.parametrize(
    "event",
    [
        alarm("canary-critical"),
        alarm("canary-warning"),
        alarm("canary-error-60s"),
        alarm("canary-harm-completion", "OK"),
        alarm("canary-harm-completion", "INSUFFICIENT_DATA"),
    ],
)
def test_what_is_no_warning_holds_nothing(region: Any, event: dict[str, Any]) -> None:
    """Composites, alarms that roll back by themselves, and alarms that went away."""
    region.release()
    region.load("pause").handler(event, None)
    assert region.record().phase is Phase.BAKING


def test_without_a_release_a_warning_holds_nothing(region: Any) -> None:
    """There is nothing to hold."""
    answer = region.load("pause").handler(alarm("canary-silent"), None)
    assert answer == {"alarms_ok": True, "promoting": False, "wait_seconds": 3600}


def test_a_person_holds_and_resumes(region: Any) -> None:
    """The phase interrupted comes back."""
    region.release()
    handler = region.load("pause").handler
    event = {"source": "operator", "release_id": "r-1", "detail": "looking"}
    assert handler(event, None)["phase"] == "HELD"
    event = {"source": "operator", "release_id": "r-1", "resume": True, "by": "kim"}
    assert handler(event, None)["phase"] == "BAKING"
    assert region.record().hold is None


def test_failed_machinery_holds_while_all_alarms_are_ok(region: Any) -> None:
    """Our own failure is no verdict on the model."""
    region.release()
    region.set_alarm("canary-critical", "OK")
    answer = region.load("pause").handler(
        {"source": "progression", "release_id": "r-1", "cause": "machinery", "detail": "x"}, None
    )
    assert answer["alarms_ok"] is True
    hold = region.record().hold
    assert hold is not None
    assert hold.cause is Cause.MACHINERY


def test_failed_machinery_under_an_alarm_is_left_to_the_rollback(region: Any) -> None:
    """The answer sends the progression to its own rollback."""
    region.release()
    region.set_alarm("canary-harm-completion", "ALARM")
    answer = region.load("pause").handler(
        {"source": "progression", "release_id": "r-1", "cause": "machinery"}, None
    )
    known = {"alarms_ok": False, "promoting": False, "phase": "BAKING"}
    assert answer == known | {"wait_seconds": 2 * region.policy.statistics.bake_poll_seconds}


def test_failed_machinery_in_a_promotion_pages(region: Any) -> None:
    """Past the point of no return a person finishes."""
    region.release(phase=Phase.PROMOTING, stage=4, safe_arm="canary")
    region.set_alarm("canary-critical", "ALARM")
    answer = region.load("pause").handler(
        {"source": "progression", "release_id": "r-1", "cause": "machinery"}, None
    )
    assert answer["promoting"] is True
    assert region.messages()


def test_a_denied_approval_holds(region: Any) -> None:
    """No is no verdict either: traffic stays at 50%, without a strike."""
    region.release(phase=Phase.AWAITING_APPROVAL, stage=3)
    region.load("pause").handler(
        {"source": "progression", "release_id": "r-1", "cause": "approval", "detail": "no"}, None
    )
    record = region.record()
    assert record.hold == Hold(Cause.APPROVAL, (), region.clock.time, Phase.BAKING, "no")
    assert record.strike is False
