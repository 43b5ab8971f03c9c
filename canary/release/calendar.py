"""Which day it is where the customers are, and which days no test may start or end on.

Standard library only: the functions without a layer import this.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from canary.policy.compiled import Closure

__all__ = ["closure_at", "closure_end", "closure_spans", "local_midnights"]


def closure_at(calendar: Iterable[Closure], timezone: str, at: float) -> Closure | None:
    """The closure that `at` (epoch seconds) falls into, if any."""
    today = dt.datetime.fromtimestamp(at, ZoneInfo(timezone)).date().isoformat()
    return next((each for each in calendar if each.first <= today <= each.last), None)


def closure_end(closure: Closure, timezone: str) -> float:
    """The epoch second after the closure's last day."""
    last = dt.date.fromisoformat(closure.last)
    return _midnight(last + dt.timedelta(days=1), timezone)


def closure_spans(
    calendar: Iterable[Closure], timezone: str, since: float, until: float
) -> list[tuple[float, float]]:
    """First second and first second after of every closure that touches [since, until]."""
    spans = [
        (_midnight(dt.date.fromisoformat(each.first), timezone), closure_end(each, timezone))
        for each in calendar
    ]
    return [(start, end) for start, end in spans if start <= until and end > since]


def local_midnights(timezone: str, since: float, until: float) -> Iterator[tuple[float, int]]:
    """First second and weekday (0 is Monday) of every local day that touches [since, until]."""
    day = dt.datetime.fromtimestamp(since, ZoneInfo(timezone)).date()
    while (start := _midnight(day, timezone)) <= until:
        yield start, day.weekday()
        day += dt.timedelta(days=1)


def _midnight(day: dt.date, timezone: str) -> float:
    return dt.datetime.combine(day, dt.time(), ZoneInfo(timezone)).timestamp()
