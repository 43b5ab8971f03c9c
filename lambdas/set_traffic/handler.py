"""Move traffic to a stage; bounded in time, and never for a release that was revoked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.alarms import Alarms
from canary.aws.clients import client
from canary.aws.faults import HarmDetected
from canary.aws.parameters import Parameters
from canary.aws.performer import Performer
from canary.aws.records import Releases
from canary.aws.settings import from_environment
from canary.aws.traffic import Rules, Traffic
from canary.release.events import StageOrdered, TrafficShifted
from canary.release.model import Phase


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    parameter_prefix: str
    critical_alarm: str


SETTINGS = from_environment(Settings)
ALARMS = Alarms(client("cloudwatch", read=2, attempts=2), SETTINGS.critical_alarm)
PERFORMER = Performer(
    releases=Releases(client("dynamodb", read=2, attempts=2), SETTINGS.releases_table),
    parameters=Parameters(client("ssm", read=2, attempts=2), SETTINGS.parameter_prefix),
    traffic=Traffic(client("elbv2", read=2, attempts=1), from_environment(Rules)),
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Order the stage, shift, confirm. Raises `HarmDetected` or `Revoked`.

    An alarm acts on its transition only, so one that is already raised is asked for here.
    """
    stage = int(event["stage"])
    state = PERFORMER.current(event["release_id"])
    if ALARMS.critical():
        raise HarmDetected(f"{SETTINGS.critical_alarm} is in ALARM")
    state = PERFORMER.settle(state, StageOrdered(clock.now(), stage))
    if state.phase is Phase.HELD:  # nothing was shifted, whatever an earlier try had ordered
        return {"done": False}
    state = PERFORMER.settle(state, TrafficShifted(clock.now(), stage))
    return {"done": state.stage == stage}
