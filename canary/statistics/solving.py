"""Where a probability reaches a level: few evaluations, each of which may be a whole integral."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.normal import quantile
from canary.statistics.validation import Values

__all__ = ["solve_rising"]

_STEPS = 200
_CLOSE = 1e-12
_LEAST, _MOST = 1e-300, 1 - 1e-16
"""Probabilities beyond have no normal quantile in a float."""


def solve_rising(
    probability: Callable[[Values], Values],
    levels: ArrayLike,
    *,
    between: tuple[float, float],
    guess: ArrayLike,
    scale: float,
) -> Values:
    """The x at which `probability`, which rises with x, is each of `levels`.

    Secant steps on the normal quantile of the probability, which is nearly a straight line of
    slope 1 / `scale` for the tails met here; a step that leaves the bracket is a halving instead.
    A level that is not reached within `between` gives the end it lies beyond.
    """
    wanted = quantile(levels)
    low, high = (np.full_like(wanted, end) for end in between)
    last_x = np.clip(np.broadcast_to(np.asarray(guess, dtype=np.float64), wanted.shape), low, high)
    last = _distance(probability, last_x, wanted)
    x = np.clip(last_x - scale * last, low, high)
    x = np.where(x == last_x, (low + high) / 2, x)
    for _ in range(_STEPS):
        now = _distance(probability, x, wanted)
        low, high = np.where(now < 0, x, low), np.where(now < 0, high, x)
        slope = now - last
        flat = slope == 0
        step = now * (x - last_x) / np.where(flat, 1.0, slope)
        following = x - step
        outside = flat | ~(following > low) | ~(following < high)
        following = np.where(outside, (low + high) / 2, following)
        done = (np.abs(following - x) <= _CLOSE * (1 + np.abs(x))) | (now == 0)
        if np.all(done):
            return np.asarray(np.where(now == 0, x, following), dtype=np.float64)
        last_x, last, x = x, now, np.where(now == 0, x, following)
    return np.asarray(x, dtype=np.float64)


def _distance(probability: Callable[[Values], Values], x: Values, wanted: Values) -> Values:
    return quantile(np.clip(probability(x), _LEAST, _MOST)) - wanted
