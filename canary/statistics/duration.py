"""How many days a test needs, from what comes in a day and the rate at which the canary is drawn.

Volumes are units of analysis (conversations or customers) a day; intents are array elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canary.statistics.sample_size import Sizes
from canary.statistics.validation import Values, fraction, not_negative

__all__ = ["Phase", "bottleneck", "days_to_information", "days_to_sizes", "information_per_day"]


@dataclass(frozen=True)
class Phase:
    """A stretch of a ramp: `rate` is the canary's share, one for all intents or one for each."""

    days: float
    rate: ArrayLike


def days_to_sizes(sizes: Sizes, daily: ArrayLike, rate: ArrayLike) -> Values:
    """Days until both arms have their sizes: max(n0 / (v (1 - r)), n1 / (v r)).

    `daily` is what comes in a day for both arms, `rate` the canary's share. Infinite for an
    intent without traffic. Raises `ValueError` for a negative volume and a rate not between
    0 and 1.
    """
    volume, share = not_negative("daily", daily), fraction("rate", rate)
    control = not_negative("sizes.control", sizes.control)
    canary = not_negative("sizes.canary", sizes.canary)
    traffic = volume > 0
    safe = np.where(traffic, volume, 1.0)
    days = np.maximum(control / (safe * (1 - share)), canary / (safe * share))
    return np.where(traffic, days, np.inf)[()]


def information_per_day(daily: ArrayLike, rate: ArrayLike, variance: ArrayLike) -> Values:
    """Information (1 / variance of the difference) a day adds: v r (1 - r) / variance.

    `variance` is one unit's outcome variance, p (1 - p) for a rate, times its design effect.
    Stratified information adds up over intents and ramp periods. Raises `ValueError`.
    """
    volume, share = not_negative("daily", daily), fraction("rate", rate)
    spread = not_negative("variance", variance)
    if np.any(spread == 0):
        raise ValueError("variance: an outcome that never varies carries no information")
    return volume * share * (1 - share) / spread


def days_to_information(
    target: float, daily: ArrayLike, variance: ArrayLike, phases: Sequence[Phase]
) -> float:
    """Days until all intents together, each stratum on its own, reach `target` information.

    The ramp runs through `phases`; the last one goes on for as long as needed, whatever its
    days. `target` for effect d is ((z_a + z_b) / d)^2. Infinite when nothing comes in. Raises
    `ValueError` for no phases and whatever `information_per_day` refuses.
    """
    if not phases:
        raise ValueError("phases: at least one is needed")
    missing = float(not_negative("target", target))
    days = 0.0
    for index, phase in enumerate(phases):
        a_day = float(np.sum(information_per_day(daily, phase.rate, variance)))
        length = float(not_negative("days", phase.days))
        if missing <= 0:
            return days
        if index == len(phases) - 1 or missing <= a_day * length:
            return days + missing / a_day if a_day > 0 else float("inf")
        days, missing = days + length, missing - a_day * length
    return days


def bottleneck(days: Sequence[float] | NDArray[np.float64]) -> int:
    """The index of the intent that takes longest; the first of equals. Raises `ValueError`."""
    array = np.asarray(days, dtype=np.float64)
    if array.size == 0 or np.any(np.isnan(array)):
        raise ValueError("days: needs at least one number, and no NaN")
    return int(np.argmax(array))
