"""When customers come: by hour of the day, day of the week, and Wednesday evenings."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from canary.policy.compiled import CompiledPolicy
from canary.release.calendar import closure_spans
from canary.simulation.telemetry import Counts
from canary.simulation.world import World

__all__ = ["Calendar", "first_exposure"]

_HOUR = 3600.0
_WEEK = 168
_WEDNESDAY_EVENING = slice(2 * 24 + 18, 2 * 24 + 23)
_SATURDAY = 5
_FIRST_MONDAY = dt.date(2026, 1, 12)
_ROOM_DAYS = 45
"""Days without a closure that a simulated release is given."""
_YEARS = 5


@dataclass(frozen=True)
class Calendar:
    """A release's place in the week: `start` is the first exposure, seconds after Monday 00:00."""

    start: float
    weights: Counts
    """168 factors on the mean volume, their mean 1."""

    @classmethod
    def of(cls, world: World, start_hour: int) -> Calendar:
        """The world's week."""
        week = np.outer(world.weekdays, world.hours).ravel()
        week[_WEDNESDAY_EVENING] *= world.wednesday
        return cls(start_hour * _HOUR, week / week.mean())

    def volume(self, times: Counts) -> Counts:
        """The factor on the mean volume at `times` (seconds since the first exposure)."""
        return self.weights[self._hours(times)]

    def weekday(self, times: Counts) -> Counts:
        """0 is Monday."""
        return self._hours(times) // 24

    def weekend(self, times: Counts) -> Counts:
        """1 on Saturdays and Sundays."""
        return (self.weekday(times) >= _SATURDAY).astype(np.float64)

    def _hours(self, times: Counts) -> Counts:
        return ((self.start + times) // _HOUR).astype(np.int64) % _WEEK


def first_exposure(policy: CompiledPolicy, start_hour: int) -> float:
    """Epoch seconds of the first exposure: in a Monday's week that has no closure ahead of it."""
    zone = ZoneInfo(policy.timezone)
    monday = _FIRST_MONDAY
    for _ in range(_YEARS * 52):
        start = dt.datetime.combine(monday, dt.time(), zone).timestamp()
        if not closure_spans(policy.calendar, policy.timezone, start, start + _ROOM_DAYS * 86_400):
            return start + start_hour * _HOUR
        monday += dt.timedelta(days=7)
    raise ValueError(f"calendar: no {_ROOM_DAYS} days without a closure in {_YEARS} years")
