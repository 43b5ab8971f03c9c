"""Take traffic to the safe arm first, then end the release step by step, whatever else is broken.

No network of its own, nothing but the runtime's SDK, every client made at import: this function
must work when little else does.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.alarms import Alarms
from canary.aws.clients import client
from canary.aws.executions import Executions
from canary.aws.functions import Function
from canary.aws.metrics import Metrics
from canary.aws.notify import Topic
from canary.aws.parameters import Parameters
from canary.aws.performer import Performer
from canary.aws.records import Lock, Releases, StaleRecordError
from canary.aws.requests import Request, read_request
from canary.aws.rollbacks import RollbackRecord, Rollbacks, iso
from canary.aws.settings import from_environment
from canary.aws.traffic import Rule, Rules, Traffic
from canary.release import actions
from canary.release.machine import decide
from canary.release.model import Phase, ReleaseState, SafeArm
from canary.routing.weights import safe_form

LOG = logging.getLogger("rollback")
RECHECK_SECONDS = 20.0
"""Longer than a shift that was under way can live."""
SNAPSHOT_SECONDS = 1800.0
COUNTERS = ("Requests", "Errors", "SlowRequests", "Throttles", "TurnsChecked", "Hallucinations")


class RollbackUnfinishedError(RuntimeError):
    """Some steps failed; the retry and the reconciler try them again."""


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
RELEASES = Releases(client("dynamodb"), SETTINGS.releases_table)
ROLLBACKS = Rollbacks(client("dynamodb"), SETTINGS.rollbacks_table)
ALARMS = Alarms(client("cloudwatch"))
METRICS = Metrics(client("cloudwatch"), SETTINGS.metrics_namespace)
SNS = client("sns")
PERFORMER = Performer(
    releases=RELEASES,
    parameters=Parameters(client("ssm"), SETTINGS.parameter_prefix),
    traffic=TRAFFIC,
    topics={
        "on_call": Topic(SNS, SETTINGS.on_call_topic_arn),
        "ml_engineers": Topic(SNS, SETTINGS.ml_topic_arn),
    },
    session_flag=Function(client("lambda"), SETTINGS.session_flag_function),
    executions=Executions(client("stepfunctions")),
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Roll back the active release; without one, or for another one, do nothing.

    Raises `RollbackUnfinishedError` when a step failed, after every other step was tried.
    """
    request = read_request(event)
    if request is None:
        return {"phase": ""}
    known, lock = quick_lock()
    if known and (lock is None or request.release_id not in ("", lock.release_id)):
        return {"phase": phase_of(request.release_id)}
    failed: list[str] = []
    safe_arm = lock.safe_arm if lock else likely_safe_arm()
    attempt("traffic", lambda: shift(safe_arm, lock), failed)
    shifted_at = clock.now()
    state = RELEASES.active()
    if state is None:
        return {"phase": phase_of(request.release_id)}
    if state.safe_arm != safe_arm:
        attempt("traffic", lambda: TRAFFIC.write(safe_form(state.safe_arm)), failed)
    return end(state, request, shifted_at)


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


def shift(safe_arm: SafeArm, lock: Lock | None) -> None:
    """Two rules carry canary traffic; the third joins them while a promotion is under way."""
    rules: tuple[Rule, ...] = ("canary", "draw", "control")
    if lock and not lock.control_header_on_canary and safe_arm == "primary":
        rules = ("canary", "draw")
    TRAFFIC.write(safe_form(safe_arm), rules)


def end(state: ReleaseState, request: Request, shifted_at: float) -> dict[str, Any]:
    """Mark the release, do every step that is not ticked off, look at the rules again, close."""
    opened = ROLLBACKS.find(state.release_id) if state.revoked else None
    if state.revoked:
        request = first_request(state, request, opened)
    after, asked = decide(dataclasses.replace(state, revoked=False), request.event(clock.now()))
    failed: list[str] = []
    if not after.revoked:
        record = ROLLBACKS.open(state.release_id, fields(state, request, shifted_at))
        for action in asked:
            attempt(step_name(action), lambda each=action: do(state, each, record), failed)
        return finished(state.phase, failed)
    attempt("revoked", lambda: revoke(state, request), failed)
    opened = opened or attempt(
        "record",
        lambda: ROLLBACKS.open(state.release_id, fields(state, request, shifted_at)),
        failed,
    )
    if opened and "revoked" not in failed:
        attempt("tick", lambda: ROLLBACKS.tick(opened, "revoked"), failed)
    for action in asked:
        name = step_name(action)
        own = isinstance(action, actions.Shift | actions.Save)
        ends_itself = isinstance(action, actions.StopExecution) and (
            request.source in ("progression", "execution") or not action.execution_arn
        )
        if own or ends_itself or (opened and name in opened.steps):
            continue
        attempt(name, lambda each=action: do(after, each, opened), failed)
    clock.sleep(RECHECK_SECONDS)
    attempt("traffic", lambda: TRAFFIC.put(safe_form(state.safe_arm)), failed)
    if not failed:
        close(state.release_id, after.phase)
    return finished(after.phase, failed)
