"""Who asks for a rollback, and why: four kinds of event, one request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from canary.release.events import RollbackRequested
from canary.release.model import Cause

__all__ = ["Request", "read_request"]

_FAILED = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})


@dataclass(frozen=True)
class Request:
    """A wish for a rollback; an empty `release_id` means the active release."""

    source: str
    release_id: str
    cause: Cause
    strike: bool
    reject: bool = False
    detail: str = ""
    alarms: tuple[str, ...] = ()

    def event(self, at: float) -> RollbackRequested:
        """The request as the release machine knows it."""
        return RollbackRequested(at, self.cause, self.strike, self.reject, self.detail, self.alarms)


def read_request(event: dict[str, Any]) -> Request | None:
    """Read any event the rollback function gets; None when it asks for nothing.

    An alarm's action and an alarm's state change are different documents of the same fact.
    """
    if event.get("source") == "aws.cloudwatch":
        return _from_alarm(event.get("alarmData") or event.get("detail") or {})
    if event.get("detail-type") == "Step Functions Execution Status Change":
        return _from_execution(event["detail"])
    return Request(
        source=str(event.get("source", "")),
        release_id=str(event.get("release_id", "")),
        cause=Cause(event.get("cause", Cause.MACHINERY)),
        strike=bool(event.get("strike")),
        reject=bool(event.get("reject")),
        detail=str(event.get("detail", "")),
        alarms=tuple(event.get("alarms", ())),
    )


def _from_alarm(alarm: dict[str, Any]) -> Request | None:
    state = alarm.get("state", {})
    if state.get("value") != "ALARM":
        return None
    return Request(
        source="alarm",
        release_id="",
        cause=Cause.CRITICAL_ALARM,
        strike=True,
        detail=str(state.get("reason", "")),
        alarms=(str(alarm["alarmName"]), *_children(state.get("reasonData", ""))),
    )


def _children(reason_data: str) -> tuple[str, ...]:
    """The alarms that raised a composite; it names them by ARN in its reason data."""
    try:
        data = json.loads(reason_data or "{}")
        arns = [str(item["arn"]) for item in data.get("triggeringAlarms", [])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()
    return tuple(arn.rpartition(":alarm:")[2] for arn in arns)


def _from_execution(detail: dict[str, Any]) -> Request | None:
    if detail.get("status") not in _FAILED:
        return None
    try:
        release_id = str(json.loads(detail.get("input") or "{}").get("release_id", ""))
    except ValueError:
        release_id = ""
    return Request(
        source="execution",
        release_id=release_id or str(detail.get("name", "")),
        cause=Cause.MACHINERY,
        strike=False,
        detail=f"the progression's execution has {detail['status']}",
    )
