"""Rolling back: traffic first, every step tried, nothing done twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from canary.aws.ending import EndingError
from canary.release.model import Cause, Phase
from canary.routing.weights import ALL_ON_CANARY, ALL_ON_PRIMARY, TrafficForm

AT_STAGE = TrafficForm(control=0, canary=100, draw=0)
STEPS = {
    "assignment",
    "status",
    "session_flag",
    "memory",
    "diagnostics",
    "told_on_call",
    "told_ml_engineers",
    "execution",
    "safe",
}
ALARM = {
    "source": "aws.cloudwatch",
    "alarmData": {
        "alarmName": "canary-critical",
        "state": {
            "value": "ALARM",
            "reason": "canary-error-60s is in ALARM",
            "reasonData": json.dumps(
                {"triggeringAlarms": [{"arn": "arn:aws:cloudwatch:x:1:alarm:canary-error-60s"}]}
            ),
        },
    },
}


def broken(*_args: object, **_kwargs: object) -> Any:
    raise EndpointConnectionError(endpoint_url="http://nowhere")


@pytest.fixture
def flags(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What other functions were invoked with."""
    from canary.aws.functions import Function

    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(Function, "start", lambda _self, event: calls.append(event))
    return calls


def rollback_record(region: Any) -> Any:
    from canary.aws.rollbacks import Rollbacks

    record = Rollbacks(region.client("dynamodb"), "canary-rollbacks").find("r-1")
    assert record is not None
    return record


def test_a_critical_alarm_ends_the_release(region: Any, flags: list[dict[str, Any]]) -> None:
    """Rules safe, record revoked with a strike, readers told, people told, execution stopped."""
    state = region.release()
    region.shift(AT_STAGE)
    region.client("ssm").put_parameter(
        Name="/mangaassist/canary/assignment", Value='{"active": true}', Overwrite=True
    )
    assert region.load("rollback").handler(ALARM, None) == {"phase": "ROLLED_BACK"}
    record = region.record()
    assert region.weights() == ALL_ON_PRIMARY
    assert (record.phase, record.cause, record.strike) == (
        Phase.ROLLED_BACK,
        Cause.CRITICAL_ALARM,
        True,
    )
    assert json.loads(region.parameter("assignment"))["active"] is False
    assert region.parameter("status") == "rolled_back"
    assert flags == [{"active": False}]
    assert region.releases.lock() is None
    assert region.execution_status(state.execution_arn) == "ABORTED"
    (memory,) = region.memories.candidate("model-b").rollbacks
    assert (memory.release_id, memory.strike) == ("r-1", True)
    assert any("r-1" in subject for subject in region.messages())


def test_every_step_is_ticked_off_with_its_evidence(
    region: Any, flags: list[dict[str, Any]]
) -> None:
    """The rollback's record says what was done, why, and how things stood."""
    region.release()
    region.load("rollback").handler(ALARM, None)
    record = rollback_record(region)
    assert set(record.steps) == STEPS
    assert record.fields["alarms"] == ["canary-critical", "canary-error-60s"]
    assert record.fields["snapshot"]["candidate"] == "model-b"


@pytest.mark.parametrize(
    ("method", "step"),
    [
        ("parameters.Parameters.put", "assignment"),
        ("functions.Function.start", "session_flag"),
        ("memories.Memories.remember", "memory"),
        ("metrics.Metrics.sums", "diagnostics"),
        ("notify.Topic.publish", "told_on_call"),
        ("executions.Executions.stop", "execution"),
    ],
)
def test_one_broken_system_stops_no_other_step(
    region: Any,
    flags: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    step: str,
) -> None:
    """All other steps are done and ticked; the lock stays until the broken one works too."""
    region.release()
    region.shift(AT_STAGE)
    handler = region.load("rollback").handler
    with monkeypatch.context() as patch:
        patch.setattr(f"canary.aws.{method}", broken)
        with pytest.raises(EndingError, match=step):
            handler(ALARM, None)
    assert region.weights() == ALL_ON_PRIMARY
    assert region.record().revoked
    assert region.releases.lock() is not None
    undone = STEPS - set(rollback_record(region).steps)
    same_system = {"assignment": {"assignment", "status"}}
    told = {"told_on_call": {"told_on_call", "told_ml_engineers"}}
    assert undone == (same_system | told).get(step, {step})
    assert handler(ALARM, None) == {"phase": "ROLLED_BACK"}
    assert set(rollback_record(region).steps) == STEPS
    assert region.releases.lock() is None


def test_a_release_that_cannot_be_marked_is_still_taken_off_and_told(
    region: Any, flags: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the record the rules are safe, readers and people know, and the call fails."""
    region.release()
    region.shift(AT_STAGE)
    handler = region.load("rollback").handler
    monkeypatch.setattr("canary.aws.records.Releases.save", broken)
    with pytest.raises(EndingError, match="revoked"):
        handler(ALARM, None)
    assert region.weights() == ALL_ON_PRIMARY
    assert json.loads(region.parameter("assignment"))["active"] is False
    assert region.messages()


def test_without_its_table_the_rollback_still_does_every_step(
    region: Any, flags: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ticks are a help, no condition."""
    state = region.release()
    region.shift(AT_STAGE)
    handler = region.load("rollback").handler
    monkeypatch.setattr("canary.aws.rollbacks.Rollbacks.open", broken)
    with pytest.raises(EndingError, match="record"):
        handler(ALARM, None)
    assert region.weights() == ALL_ON_PRIMARY
    assert region.record().revoked
    assert flags == [{"active": False}]
    assert region.execution_status(state.execution_arn) == "ABORTED"


def test_rules_that_cannot_be_written_stop_no_other_step(
    region: Any, flags: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The readers are told even when the load balancer does not answer; a retry moves traffic."""
    region.release()
    region.shift(AT_STAGE)
    handler = region.load("rollback").handler
    with monkeypatch.context() as patch:
        patch.setattr("canary.aws.traffic.Traffic.write", broken)
        with pytest.raises(EndingError, match="traffic"):
            handler(ALARM, None)
    assert region.record().revoked
    assert json.loads(region.parameter("assignment"))["active"] is False
    handler(ALARM, None)
    assert region.weights() == ALL_ON_PRIMARY
    assert region.record().phase is Phase.ROLLED_BACK


def test_doing_it_twice_changes_nothing(region: Any, flags: list[dict[str, Any]]) -> None:
    """A second call finds no release and leaves record, memory and mail as they are."""
    region.release()
    handler = region.load("rollback").handler
    handler(ALARM, None)
    before, mail = region.record(), len(region.messages())
    event = {"source": "operator", "release_id": "r-1", "cause": "operator", "strike": False}
    assert handler(event, None) == {"phase": "ROLLED_BACK"}
    assert region.record() == before
    assert len(region.messages()) == mail
    assert len(region.memories.candidate("model-b").rollbacks) == 1


def test_without_a_release_nothing_happens(region: Any, flags: list[dict[str, Any]]) -> None:
    """No lock, no release: weights stay where they are and nobody is told."""
    region.shift(AT_STAGE)
    assert region.load("rollback").handler(ALARM, None) == {"phase": ""}
    assert region.weights() == AT_STAGE
    assert region.messages() == []


@pytest.mark.parametrize(
    "event",
    [
        {"source": "operator", "release_id": "r-0", "cause": "operator"},
        {"source": "aws.cloudwatch", "alarmData": {"alarmName": "x", "state": {"value": "OK"}}},
        {
            "detail-type": "Step Functions Execution Status Change",
            "detail": {"status": "SUCCEEDED", "name": "r-1", "input": "{}"},
        },
    ],
)
def test_events_that_are_not_about_this_release_change_nothing(
    region: Any, flags: list[dict[str, Any]], event: dict[str, Any]
) -> None:
    """Another release, an alarm that went OK, an execution that succeeded."""
    region.release()
    region.shift(AT_STAGE)
    region.load("rollback").handler(event, None)
    assert region.weights() == AT_STAGE
    assert not region.record().revoked


def test_a_failed_execution_is_no_strike(region: Any, flags: list[dict[str, Any]]) -> None:
    """Our own failure takes traffic off and is not held against the candidate."""
    region.release()
    event = {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"status": "TIMED_OUT", "name": "x", "input": '{"release_id": "r-1"}'},
    }
    assert region.load("rollback").handler(event, None) == {"phase": "ROLLED_BACK"}
    record = region.record()
    assert (record.cause, record.strike) == (Cause.MACHINERY, False)


def test_the_progression_is_not_stopped_by_its_own_call(
    region: Any, flags: list[dict[str, Any]]
) -> None:
    """The machine that calls goes on to its own end; a rejection is what it asked for."""
    state = region.release()
    event = {
        "source": "progression",
        "release_id": "r-1",
        "cause": "harm_sequence",
        "strike": True,
        "reject": True,
        "detail": "completion is lower",
        "execution_arn": state.execution_arn,
    }
    assert region.load("rollback").handler(event, None) == {"phase": "REJECTED"}
    assert region.execution_status(state.execution_arn) == "RUNNING"
    assert region.memories.candidate("model-b").rejected


def test_when_the_lock_does_not_answer_traffic_goes_to_primary(
    region: Any, flags: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that is slow for a moment delays no shift; all three rules are written."""
    region.release()
    region.shift(ALL_ON_CANARY)
    module = region.load("rollback")
    monkeypatch.setattr(module, "QUICK_RELEASES", None)
    monkeypatch.setattr(module, "QUICK_TRAFFIC", None)
    assert module.handler(ALARM, None) == {"phase": "ROLLED_BACK"}
    assert region.weights() == ALL_ON_PRIMARY


@pytest.mark.parametrize(("healthy", "arm"), [(True, "primary"), (False, "canary")])
def test_the_load_balancer_guesses_the_safe_arm(
    region: Any, monkeypatch: pytest.MonkeyPatch, healthy: bool, arm: str
) -> None:
    """Only a primary without one healthy target makes the canary the safer guess."""
    module = region.load("rollback")
    elbv2 = region.client("elbv2")
    state = "healthy" if healthy else "unhealthy"
    monkeypatch.setattr(
        module.QUICK_TRAFFIC,
        "_client",
        type(
            "Health",
            (),
            {
                "describe_target_health": lambda _self, **_: {
                    "TargetHealthDescriptions": [{"TargetHealth": {"State": state}}]
                }
            },
        )(),
    )
    assert elbv2
    assert module.likely_safe_arm() == arm


def test_during_a_promotion_the_control_rule_comes_back_too(
    region: Any, flags: list[dict[str, Any]]
) -> None:
    """While every rule is on the canary, three rules are moved."""
    region.release(stage=4, control_header_on_canary=True)
    region.shift(ALL_ON_CANARY)
    region.load("rollback").handler(ALARM, None)
    assert region.weights() == ALL_ON_PRIMARY


def test_past_the_point_of_no_return_traffic_stays_on_the_canary(
    region: Any, flags: list[dict[str, Any]]
) -> None:
    """There is no old model to go back to: a person is paged and the release goes on."""
    region.release(phase=Phase.PROMOTING, stage=4, safe_arm="canary", control_header_on_canary=True)
    region.shift(ALL_ON_CANARY)
    assert region.load("rollback").handler(ALARM, None) == {"phase": "PROMOTING"}
    assert region.weights() == ALL_ON_CANARY
    assert not region.record().revoked
    assert region.messages()


def test_a_shift_that_was_under_way_is_undone_at_the_second_look(
    region: Any, flags: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty seconds after the mark the rules are read again, and made safe again."""
    region.release()

    def meanwhile(seconds: float) -> None:
        assert seconds == 20
        region.shift(AT_STAGE)

    monkeypatch.setattr("canary.aws.clock.sleep", meanwhile)
    region.load("rollback").handler(ALARM, None)
    assert region.weights() == ALL_ON_PRIMARY


def test_a_record_that_moves_meanwhile_is_marked_all_the_same(
    region: Any, flags: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stale version is read again; the mark is never lost to a concurrent write."""
    from dataclasses import replace

    from canary.aws.records import Releases

    region.release()
    handler = region.load("rollback").handler
    save, raced = Releases.save, []

    def racing(self: Releases, before: Any, after: Any) -> Any:
        if not raced:
            raced.append(True)
            save(self, before, replace(before, looks_done=7))
        return save(self, before, after)

    monkeypatch.setattr(Releases, "save", racing)
    handler(ALARM, None)
    record = region.record()
    assert (record.phase, record.looks_done) == (Phase.ROLLED_BACK, 7)


@pytest.mark.parametrize("event", [None, [], {"source": "operator", "cause": "because"}])
def test_an_event_that_cannot_be_read_still_makes_traffic_safe(
    region: Any, flags: list[dict[str, Any]], event: Any
) -> None:
    """Whoever meant it failed to say it; the record keeps the words, and nobody has a strike."""
    region.release()
    region.shift(AT_STAGE)
    assert region.load("rollback").handler(event, None) == {"phase": "ROLLED_BACK"}
    assert region.weights() == ALL_ON_PRIMARY
    assert (region.record().cause, region.record().strike) == (Cause.MACHINERY, False)
    assert "cannot be read" in rollback_record(region).fields["detail"]


def test_a_late_request_for_another_release_ends_nothing_when_the_lock_is_slow(
    region: Any, flags: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its traffic went to the safe arm; the reconciler ends it, for its own reason."""
    region.release()
    region.shift(AT_STAGE)
    module = region.load("rollback")
    monkeypatch.setattr(module, "QUICK_RELEASES", None)
    monkeypatch.setattr(module, "likely_safe_arm", lambda: "primary")
    module.handler({"source": "operator", "release_id": "r-0", "strike": True}, None)
    assert region.weights() == ALL_ON_PRIMARY
    assert not region.record().revoked
