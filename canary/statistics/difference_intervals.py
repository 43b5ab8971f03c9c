"""Intervals of a difference of rates, canary minus control, for whole arrays of counts.

Newcombe's is the one for small canaries and rates near 0 or 1; Wald's collapses there and is kept
to be compared with. A decision on single counts uses `canary.statistics.intervals`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.normal import upper_tail_quantile
from canary.statistics.validation import Values, counts, fraction

__all__ = ["agresti_caffo", "newcombe", "wald", "wilson"]

Bounds = tuple[Values, Values]


def wilson(x: ArrayLike, n: ArrayLike, confidence: ArrayLike = 0.95) -> Bounds:
    """Wilson's score interval (1927) of one rate, two-sided. Raises `ValueError`."""
    events, trials = counts("x", x, "n", n)
    return _wilson(events, trials, _z(confidence))


def newcombe(
    x_control: ArrayLike,
    n_control: ArrayLike,
    x_canary: ArrayLike,
    n_canary: ArrayLike,
    confidence: ArrayLike = 0.95,
) -> Bounds:
    """Newcombe's hybrid score interval (1998, method 10), without continuity correction.

    d -/+ sqrt((p1 - l1)^2 + (u0 - p0)^2) with each arm's Wilson bounds. Raises `ValueError` for
    an empty arm, impossible counts, and a confidence outside 0 to 1.
    """
    x0, n0 = counts("x_control", x_control, "n_control", n_control)
    x1, n1 = counts("x_canary", x_canary, "n_canary", n_canary)
    z = _z(confidence)
    p0, p1 = x0 / n0, x1 / n1
    (l0, u0), (l1, u1) = _wilson(x0, n0, z), _wilson(x1, n1, z)
    difference = p1 - p0
    lower = difference - np.hypot(p1 - l1, u0 - p0)
    return lower, difference + np.hypot(u1 - p1, p0 - l0)


def agresti_caffo(
    x_control: ArrayLike,
    n_control: ArrayLike,
    x_canary: ArrayLike,
    n_canary: ArrayLike,
    confidence: ArrayLike = 0.95,
) -> Bounds:
    """Wald's interval after one more success and one more failure in each arm (2000).

    Its ends may lie beyond -1 and 1, as published. Raises `ValueError`.
    """
    x0, n0 = counts("x_control", x_control, "n_control", n_control)
    x1, n1 = counts("x_canary", x_canary, "n_canary", n_canary)
    return _wald(x0 + 1, n0 + 2, x1 + 1, n1 + 2, _z(confidence))


def wald(
    x_control: ArrayLike,
    n_control: ArrayLike,
    x_canary: ArrayLike,
    n_canary: ArrayLike,
    confidence: ArrayLike = 0.95,
) -> Bounds:
    """Difference -/+ z * the unpooled standard error: for comparison only.

    Where an arm has no event or nothing else its part of the error is 0. Raises `ValueError`.
    """
    x0, n0 = counts("x_control", x_control, "n_control", n_control)
    x1, n1 = counts("x_canary", x_canary, "n_canary", n_canary)
    return _wald(x0, n0, x1, n1, _z(confidence))


def _z(confidence: ArrayLike) -> Values:
    return upper_tail_quantile((1 - fraction("confidence", confidence)) / 2)


def _wald(x0: Values, n0: Values, x1: Values, n1: Values, z: Values) -> Bounds:
    p0, p1 = x0 / n0, x1 / n1
    spread = z * np.sqrt(p0 * (1 - p0) / n0 + p1 * (1 - p1) / n1)
    return p1 - p0 - spread, p1 - p0 + spread


def _wilson(x: Values, n: Values, z: Values) -> Bounds:
    rate = x / n
    centre = rate + z * z / (2 * n)
    spread = z * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    lower = np.where(x == 0, 0.0, np.maximum((centre - spread) / scale, 0.0))
    upper = np.where(x == n, 1.0, np.minimum((centre + spread) / scale, 1.0))
    return lower, upper
