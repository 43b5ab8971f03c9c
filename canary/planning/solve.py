"""The least number that is enough, by bisection."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["least_enough"]


def least_enough(
    enough: Callable[[float], bool], low: float, high: float, *, within: float
) -> float | None:
    """The smallest number in `low` to `high`, to `within`, from which on `enough` holds.

    `enough` must turn true once and stay so; None when it is not true at `high`, `low` itself when
    it is true there.
    """
    if not enough(high):
        return None
    if enough(low):
        return low
    while high - low > within:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
