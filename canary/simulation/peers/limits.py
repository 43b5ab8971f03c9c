"""A10's triggers as plain numbers, and when telemetry is past them.

A level is compared as it is; a drop is measured against the control of the same window, because
the source names no other baseline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from canary.simulation.telemetry import CANARY, CONTROL, Counts, Telemetry

__all__ = ["DROPS", "LEVELS", "Drop", "Level", "metrics_of", "only", "rolling", "scaled"]

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Level:
    """The canary's own rate must not be above `limit` (a fraction of its trials)."""

    metric: str
    events: str
    trials: str
    limit: float

    def breaches(self, telemetry: Telemetry, window: int, least: float = 0) -> Flags:
        """By minute: the rate of the last `window` minutes, `least` trials or more, is above.

        Nothing is read before the first whole window: a ratio of one minute would be noise that
        no threshold of a window is meant for.
        """
        events = rolling(telemetry.minutes[self.events][CANARY], window)
        trials = self.trials_seen(telemetry, window)
        flags = np.asarray((events > self.limit * trials) & (trials > 0) & (trials >= least))
        flags[: window - 1] = False
        return flags

    def trials_seen(self, telemetry: Telemetry, window: int) -> Counts:
        """By minute: the canary's trials of the last `window` minutes."""
        return rolling(telemetry.minutes[self.trials][CANARY], window)


@dataclass(frozen=True)
class Drop:
    """The canary's mean must not be `limit` below control's: in points, or `relative` to it."""

    metric: str
    total: str
    units: str
    hours: int
    limit: float
    relative: bool

    def breaches(self, telemetry: Telemetry, least: float = 0) -> Flags:
        """By hour: the mean of the last hours is below, `least` units or more in the canary.

        As with a level, from the first whole window on.
        """
        total = rolling(telemetry.hours[self.total], self.hours)
        units = rolling(telemetry.hours[self.units], self.hours)
        means = total / np.maximum(units, 1)
        allowed = self.limit * (means[CONTROL] if self.relative else 1)
        enough = (units[CANARY] >= max(least, 1)) & (units[CONTROL] > 0)
        flags = np.asarray((means[CONTROL] - means[CANARY] > allowed) & enough)
        flags[: self.hours - 1] = False
        return flags


_Limit = TypeVar("_Limit", Level, Drop)

LEVELS = (
    Level("error", "errors", "requests", 0.02),
    # "P99 above 8 s" is the share of turns slower than 8 s above one hundredth.
    Level("slow", "slow", "requests", 0.01),
    Level("throttled", "throttled", "requests", 0.05),
    Level("hallucination", "hallucinated", "checked", 0.03),
)
DROPS = (
    Drop("csat", "csat", "surveys", hours=4, limit=0.10, relative=True),
    Drop("completion", "completed", "outcomes", hours=6, limit=0.05, relative=False),
)


def metrics_of(levels: tuple[Level, ...], drops: tuple[Drop, ...]) -> frozenset[str]:
    """The metrics that some limits name."""
    return frozenset((*(level.metric for level in levels), *(drop.metric for drop in drops)))


def scaled(
    limits: tuple[_Limit, ...], factor: float, metric: str | None = None
) -> tuple[_Limit, ...]:
    """The limits multiplied, all of them or one metric's."""
    return tuple(
        replace(limit, limit=limit.limit * factor) if metric in (None, limit.metric) else limit
        for limit in limits
    )


def only(limits: tuple[_Limit, ...], metric: str) -> tuple[_Limit, ...]:
    """One metric's limits."""
    return tuple(limit for limit in limits if limit.metric == metric)


def rolling(values: Counts, window: int) -> Counts:
    """The sum of each element and the `window` - 1 before it, along the last axis."""
    sums = np.cumsum(values, axis=-1)
    sums[..., window:] -= sums[..., :-window].copy()
    return sums
