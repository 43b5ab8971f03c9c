"""The steps of a promotion that move traffic or cross the point of no return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.alarms import Alarms
from canary.aws.clients import client
from canary.aws.faults import HarmDetected, NotReady
from canary.aws.functions import Function
from canary.aws.notify import Topic
from canary.aws.parameters import Parameters
from canary.aws.performer import Performer
from canary.aws.records import Releases
from canary.aws.settings import from_environment
from canary.aws.traffic import Rules, Traffic
from canary.release import events
from canary.release.model import Phase, ReleaseState


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    parameter_prefix: str
    critical_alarm: str
    ml_topic_arn: str
    session_flag_function: str


SETTINGS = from_environment(Settings)
ALARMS = Alarms(client("cloudwatch", read=2, attempts=2), SETTINGS.critical_alarm)
PERFORMER = Performer(
    releases=Releases(client("dynamodb", read=2, attempts=2), SETTINGS.releases_table),
    parameters=Parameters(client("ssm", read=2, attempts=2), SETTINGS.parameter_prefix),
    traffic=Traffic(client("elbv2", read=2, attempts=1), from_environment(Rules)),
    topics={"ml_engineers": Topic(client("sns"), SETTINGS.ml_topic_arn)},
    session_flag=Function(client("lambda"), SETTINGS.session_flag_function),
)
STEPS: dict[str, tuple[Callable[[float], events.Event], ...]] = {
    "shift_to_canary": (events.PromotionOrdered, events.PromotionShifted),
    "check": (),
    "begin": (events.PromotionBegun,),
    "shift_to_primary": (events.PrimaryReplaced,),
    "finish": (events.PromotionFinished,),
}
GUARDED = frozenset({"shift_to_canary", "check", "begin"})
"""Steps before the point of no return; after it a raised alarm pages and nothing turns back."""


DONE: dict[str, Callable[[ReleaseState], bool]] = {
    "shift_to_canary": lambda state: state.control_header_on_canary and state.target_stage is None,
    "check": lambda state: state.phase is Phase.BAKING,
    "begin": lambda state: state.phase is Phase.PROMOTING,
    "shift_to_primary": lambda state: state.safe_arm == "primary",
    "finish": lambda state: state.phase is Phase.PROMOTED,
}
"""How the record looks after a step; a release that was held meanwhile does not look so."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Do one step.

    Raises `HarmDetected` while a critical alarm is raised, `NotReady` while the release is held,
    `Revoked` when it is over.
    """
    step: str = event["step"]
    state = PERFORMER.current(event["release_id"])
    if step in GUARDED and ALARMS.critical():
        raise HarmDetected(f"{SETTINGS.critical_alarm} is in ALARM")
    for fact in STEPS[step]:
        state = PERFORMER.settle(state, fact(clock.now()))
        if state.phase is Phase.HELD:  # a refused order must not be confirmed
            break
    if not DONE[step](state):
        raise NotReady(f"{step}: the release is {state.phase.value}")
    return {"done": True}
