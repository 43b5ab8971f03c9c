"""The lines on a task's standard output: one JSON object an event, an arm's metrics.

Everything else that a task prints is a log line, and goes to standard error.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from canary.events.schema import VERSION, problems
from services.api.event_buffer import EventBuffer

__all__ = ["BUFFER", "dropped_line", "envelope", "same_id", "write", "write_event"]

BUFFER = EventBuffer()
_log = logging.getLogger("canary.api")


def envelope(kind: str, now: float, region: str, event_id: str = "") -> dict[str, Any]:
    """What every event begins with; `now` is epoch seconds, an absent id is a new one."""
    time = dt.datetime.fromtimestamp(now, tz=dt.UTC).isoformat(timespec="milliseconds")
    return {
        "event": kind,
        "version": VERSION,
        "event_id": event_id or uuid.uuid4().hex,
        "time": time.replace("+00:00", "Z"),
        "epoch": round(now, 3),
        "region": region,
    }


def same_id(*parts: object) -> str:
    """An id that depends on `parts` alone: who reports the same thing twice tells one event."""
    key = json.dumps(parts, separators=(",", ":"))
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


def write_event(event: Mapping[str, Any]) -> None:
    """Write an event that keeps to the schema; another is counted as dropped, and logged."""
    if wrong := problems(event):
        BUFFER.drop("invalid")
        _log.error("an event was not written: %s", "; ".join(wrong))
        return
    write(event, kind=str(event["event"]))


def write(line: Mapping[str, Any], *, kind: str = "metrics") -> None:
    """Write one line: at once as long as the reader of standard output keeps up."""
    BUFFER.put(kind, orjson.dumps(line))


def dropped_line(namespace: str, now: float) -> dict[str, Any] | None:
    """The lines dropped since the last call as metric `EventsDropped`, None without any."""
    dropped = BUFFER.take_dropped()
    if not dropped:
        return None
    _log.warning("lines were dropped: %s", dropped)
    metric = {"Name": "EventsDropped", "Unit": "Count"}
    directive = {"Namespace": namespace, "Dimensions": [[]], "Metrics": [metric]}
    return {
        "_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]},
        "EventsDropped": sum(dropped.values()),
        "dropped": dropped,
    }
