"""Hold a release: for a warning, a shared incident, silence, failed machinery, or a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.alarms import Alarms
from canary.aws.clients import client
from canary.aws.faults import told
from canary.aws.functions import Function
from canary.aws.notify import Topic
from canary.aws.parameters import Parameters
from canary.aws.performer import Performer
from canary.aws.records import Releases
from canary.aws.settings import from_environment
from canary.policy.compiled import CompiledPolicy
from canary.release import events
from canary.release.escalation import pause_cause
from canary.release.model import Cause, Phase, ReleaseState


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    parameter_prefix: str
    on_call_topic_arn: str
    ml_topic_arn: str
    rollback_function: str


SETTINGS = from_environment(Settings)
ALARMS = Alarms(client("cloudwatch"))
RELEASES = Releases(client("dynamodb"), SETTINGS.releases_table)
SNS = client("sns")
PERFORMER = Performer(
    releases=RELEASES,
    parameters=Parameters(client("ssm"), SETTINGS.parameter_prefix),
    topics={
        "on_call": Topic(SNS, SETTINGS.on_call_topic_arn),
        "ml_engineers": Topic(SNS, SETTINGS.ml_topic_arn),
    },
    rollback=Function(client("lambda"), SETTINGS.rollback_function),
)


ABSENT_WAIT_SECONDS = 3600
"""Without a record there is no policy to say it; the next step finds the release revoked."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Hold the active release, or lift the hold for a person; without a release, do nothing.

    `wait_seconds` is when the progression shall look at what it holds again.
    """
    alarms_ok = not ALARMS.raised()
    state = RELEASES.load(event["release_id"]) if "release_id" in event else RELEASES.active()
    if state is None:
        return {"alarms_ok": alarms_ok, "promoting": False, "wait_seconds": ABSENT_WAIT_SECONDS}
    fact = what_happened(event, state, alarms_ok=alarms_ok)
    if fact is not None:
        state = PERFORMER.settle(state, fact)
    promoting = state.phase is Phase.PROMOTING
    return {
        "alarms_ok": alarms_ok,
        "promoting": promoting,
        "wait_seconds": CompiledPolicy.from_json(state.policy).fault_wait_seconds,
        "phase": state.phase.value,
    }


def what_happened(
    event: dict[str, Any], state: ReleaseState, *, alarms_ok: bool
) -> events.Event | None:
    """The event as the release machine knows it, None when it is nothing to pause for."""
    at, detail = clock.now(), told(str(event.get("detail", "")))
    match event.get("source"):
        case "operator" if event.get("resume"):
            return events.Resumed(at, by=event.get("by", ""))
        case "operator":
            return events.OperatorHeld(at, detail=detail)
        case "progression" if event.get("cause") == Cause.APPROVAL:
            return events.ApprovalDenied(at, detail=detail)
        case "progression":
            rolls_back_itself = not alarms_ok and state.phase is not Phase.PROMOTING
            failed = events.MachineryFailed(at, alarms_ok=alarms_ok, detail=detail)
            return None if rolls_back_itself else failed
    policy = CompiledPolicy.from_json(state.policy)
    alarm: dict[str, Any] = event["detail"]
    name, now = alarm["alarmName"], alarm["state"]
    cause = pause_cause(policy, name) if now["value"] == "ALARM" else None
    if cause is None:
        return None
    return events.AlarmPaused(at, (name,), cause, detail=now.get("reason", ""))
