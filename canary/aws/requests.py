"""Who asks for a rollback, and why: any event at all becomes a request, or a reason to do nothing.

An alarm's action, an alarm's state change and SNS's copy of it are three documents of one fact.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from canary.aws.faults import told
from canary.release.model import Cause

__all__ = ["Request", "read_request"]

_FAILED = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})
_QUIET = frozenset({"OK", "INSUFFICIENT_DATA"})
_SHOWN = 300
"""Characters of an event nobody can read that its readers are shown."""


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
    raised_at: float | None = None
    """When the alarm that asks went into ALARM, in epoch seconds; None when none does."""


def read_request(event: Any) -> Request | None:
    """Read whatever the rollback function gets; None when it plainly asks for nothing.

    Never raises: what cannot be read is a wish for safety by someone who failed to say it well,
    and is no strike.
    """
    try:
        return _read(event)
    except (AttributeError, KeyError, LookupError, TypeError, ValueError) as error:
        shown = str(event)[:_SHOWN]
        detail = f"an event that cannot be read ({type(error).__name__}: {error}): {shown}"
        return Request("unknown", "", Cause.MACHINERY, strike=False, detail=detail)


def _read(event: dict[str, Any]) -> Request | None:
    if records := event.get("Records"):
        return _from_topic(records)
    if event.get("source") == "aws.cloudwatch":
        return _from_alarm(event.get("alarmData") or event["detail"])
    if event.get("detail-type") == "Step Functions Execution Status Change":
        return _from_execution(event["detail"])
    if not event.get("source"):
        raise ValueError("it names no source")
    return Request(
        source=str(event["source"]),
        release_id=str(event.get("release_id", "")),
        cause=Cause(event.get("cause", Cause.MACHINERY)),
        strike=bool(event.get("strike")),
        reject=bool(event.get("reject")),
        detail=told(str(event.get("detail", ""))),
        alarms=tuple(event.get("alarms", ())),
    )


def _from_topic(records: list[dict[str, Any]]) -> Request | None:
    """The first alarm among the messages of a topic that asks for something."""
    for record in records:
        message = json.loads(record["Sns"]["Message"])
        state = {
            "value": message["NewStateValue"],
            "reason": message.get("NewStateReason", ""),
            "timestamp": message.get("StateChangeTime", ""),
        }
        if found := _from_alarm({"alarmName": message["AlarmName"], "state": state}):
            return found
    return None


def _from_alarm(alarm: dict[str, Any]) -> Request | None:
    state = alarm["state"]
    if state["value"] in _QUIET:
        return None
    if state["value"] != "ALARM":
        raise ValueError(f"{state['value']!r} is no state of an alarm")
    return Request(
        source="alarm",
        release_id="",
        cause=Cause.CRITICAL_ALARM,
        strike=True,
        detail=str(state.get("reason", "")),
        alarms=(str(alarm["alarmName"]), *_children(state.get("reasonData", ""))),
        raised_at=_moment(state.get("timestamp", "")),
    )


def _moment(text: Any) -> float | None:
    """An alarm's own stamp (2026-11-30T10:00:00.000+0000) as epoch seconds, if it is one."""
    try:
        return dt.datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None


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
