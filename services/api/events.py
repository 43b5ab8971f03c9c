"""The lines on a task's standard output: one JSON object a turn, an outcome, an arm's metrics.

Everything else that a task prints is a log line, and goes to standard error.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

__all__ = ["envelope"]


def envelope(kind: str, now: float, region: str) -> dict[str, Any]:
    """What every event begins with; `now` is epoch seconds."""
    time = dt.datetime.fromtimestamp(now, tz=dt.UTC).isoformat(timespec="milliseconds")
    return {
        "event": kind,
        "event_id": uuid.uuid4().hex,
        "time": time.replace("+00:00", "Z"),
        "epoch": round(now, 3),
        "region": region,
    }
