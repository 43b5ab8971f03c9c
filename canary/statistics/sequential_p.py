"""The p-value of a test's last look when the looks before it decided nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from canary.statistics.normal import upper_tail
from canary.statistics.spending import boundaries
from canary.statistics.stagewise import stagewise_p
from canary.statistics.validation import finite

__all__ = ["sequential_p"]

_SURE = 1e-12
"""Below this nobody asks how small it is: what the looks before cost is left out."""
_TOLERANCE = 1e-7
_STEPS = 200


def sequential_p(
    information: Sequence[float], z: float, spend: Callable[[float], Sequence[float]]
) -> float:
    """The smallest one-sided level at which the last look would cross its own upper bound.

    `spend` gives, for a level, what is spent by each look, the level itself by the last. P is at
    most a level exactly when `z` reaches the last bound of the design at that level, so it is valid
    whatever the looks before showed (the p-value of Jennison and Turnbull's repeated confidence
    intervals, 2000, chapter 9). It is the level at which the design's stage-wise p-value is the
    level itself; the stage-wise p-value of one fixed design is no smaller than what that design
    had spent before, however large `z` is. Raises `ValueError` as `boundaries` does.
    """
    level = float(upper_tail(finite("z", z)))
    if level < _SURE or level >= 1.0:
        return level
    # The p-value without the looks before is too small; secant steps from there towards the level
    # at which the design's p-value is the level itself.
    last, last_gap = level, _excess(information, z, spend, level)
    level = min(1.0, level + last_gap)
    for _ in range(_STEPS):
        if level >= 1.0:
            return 1.0
        gap = _excess(information, z, spend, level)
        if abs(gap) <= _TOLERANCE * level or gap == last_gap:
            return min(1.0, level + gap)
        step = gap * (level - last) / (last_gap - gap)
        last, last_gap = level, gap
        level = min(1.0, max(level + step, level / 2))
    return level


def _excess(
    information: Sequence[float], z: float, spend: Callable[[float], Sequence[float]], level: float
) -> float:
    """By how much the p-value of the design at `level` is above the level."""
    return stagewise_p(information, boundaries(information, spend(level)), z) - level
