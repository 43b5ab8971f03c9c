"""Take traffic to the safe arm first, then end the release step by step, whatever else is broken.

No network of its own, nothing but the runtime's SDK, every client made at import: this function
must work when little else does. What only the later steps need is imported after the traffic.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from canary.aws import clock
from canary.aws.clients import client
from canary.aws.records import Lock, Releases
from canary.aws.requests import read_request
from canary.aws.settings import from_environment
from canary.aws.traffic import Rule, Rules, Traffic
from canary.release.model import SafeArm
from canary.routing.weights import safe_form

if TYPE_CHECKING:
    from canary.aws.ending import Ending

LOG = logging.getLogger("rollback")


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    rollbacks_table: str
    parameter_prefix: str
    on_call_topic_arn: str
    ml_topic_arn: str
    session_flag_function: str
    metrics_namespace: str


SETTINGS = from_environment(Settings)
RULES = from_environment(Rules)
QUICK_RELEASES = Releases(
    client("dynamodb", connect=0.3, read=0.3, attempts=1), SETTINGS.releases_table
)
QUICK_TRAFFIC = Traffic(client("elbv2", connect=0.3, read=0.3, attempts=1), RULES)
TRAFFIC = Traffic(client("elbv2", read=3), RULES)
DYNAMODB = client("dynamodb")
RELEASES = Releases(DYNAMODB, SETTINGS.releases_table)
CLOUDWATCH = client("cloudwatch")
SNS = client("sns")
SSM = client("ssm")
LAMBDA = client("lambda")
STEPFUNCTIONS = client("stepfunctions")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Roll back the active release; without one, or for another one, do nothing.

    Raises `EndingError` when a step failed, after every other step was tried.
    """
    request = read_request(event)
    if request and request.source == "unknown":
        LOG.error("%s", request.detail)
    if request is None:
        return {"phase": ""}
    known, lock = quick_lock()
    if known and (lock is None or request.release_id not in ("", lock.release_id)):
        return {"phase": phase_of(request.release_id)}
    safe_arm = lock.safe_arm if lock else likely_safe_arm()
    failed = [] if shifted(safe_arm, lock) else ["shift"]
    shifted_at = clock.now()
    state = RELEASES.active()
    if state is None or request.release_id not in ("", state.release_id):
        # Another release's traffic was taken off because the lock did not answer: the reconciler
        # ends that release for its own reason, not for this one's.
        return {"phase": phase_of(request.release_id)}
    return {"phase": ending(failed).run(state, request, shifted_at).value}


def quick_lock() -> tuple[bool, Lock | None]:
    """The one read before traffic moves: whether it answered in 300 ms, and the lock."""
    try:
        return True, QUICK_RELEASES.lock()
    except Exception:
        LOG.exception("the lock cannot be read")
        return False, None


def likely_safe_arm() -> SafeArm:
    """Primary, unless the load balancer itself says that nobody is healthy there."""
    try:
        return "canary" if QUICK_TRAFFIC.primary_is_dead() else "primary"
    except Exception:
        LOG.exception("the health of primary cannot be read")
        return "primary"


def shifted(safe_arm: SafeArm, lock: Lock | None) -> bool:
    """Whether traffic could be moved; whatever stood in the way, the other steps come after.

    Two rules carry canary traffic; the third joins them while a promotion is under way.
    """
    rules: tuple[Rule, ...] = ("canary", "draw", "control")
    if lock and not lock.control_header_on_canary and safe_arm == "primary":
        rules = ("canary", "draw")
    try:
        TRAFFIC.write(safe_form(safe_arm), rules)
    except Exception:
        LOG.exception("step shift failed")
        return False
    return True


def ending(failed: list[str]) -> Ending:
    """The steps after the traffic; `failed` is what has not worked so far."""
    # ruff: noqa: PLC0415 - a cold start has the shift before it, and not the import of all this
    from canary.aws.alarms import Alarms
    from canary.aws.ending import Ending
    from canary.aws.executions import Executions
    from canary.aws.functions import Function
    from canary.aws.memories import Memories
    from canary.aws.metrics import Metrics
    from canary.aws.notify import Topic
    from canary.aws.parameters import Parameters
    from canary.aws.performer import Performer
    from canary.aws.rollbacks import Rollbacks

    performer = Performer(
        releases=RELEASES,
        parameters=Parameters(SSM, SETTINGS.parameter_prefix),
        topics={
            "on_call": Topic(SNS, SETTINGS.on_call_topic_arn),
            "ml_engineers": Topic(SNS, SETTINGS.ml_topic_arn),
        },
        session_flag=Function(LAMBDA, SETTINGS.session_flag_function),
        executions=Executions(STEPFUNCTIONS),
        memories=Memories(DYNAMODB, SETTINGS.releases_table),
    )
    rollbacks = Rollbacks(DYNAMODB, SETTINGS.rollbacks_table)
    metrics = Metrics(CLOUDWATCH, SETTINGS.metrics_namespace)
    return Ending(performer, rollbacks, TRAFFIC, Alarms(CLOUDWATCH), metrics, failed)


def phase_of(release_id: str) -> str:
    """Where a release that is not active stands; empty when it is not known."""
    state = RELEASES.load(release_id) if release_id else None
    return state.phase.value if state else ""
