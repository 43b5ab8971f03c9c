"""The score interval of a difference of rates: honest in small canaries and near 0 and 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canary.statistics.normal import upper_tail_quantile
from canary.statistics.validation import Values, counts, fraction

__all__ = ["constrained_rates", "miettinen_nurminen"]

_HALVINGS = 60
"""Bisections of an interval of length 2: far below the digits of a float."""
_POLISH = 3


def miettinen_nurminen(
    x_control: ArrayLike,
    n_control: ArrayLike,
    x_canary: ArrayLike,
    n_canary: ArrayLike,
    confidence: ArrayLike = 0.95,
) -> tuple[Values, Values]:
    """Lower and upper bound of canary's rate minus control's, as fractions within -1 to 1.

    Miettinen and Nurminen (1985): all differences D that the score test with variance under D and
    the factor N / (N - 1) does not refuse at the two-sided `confidence`. Raises `ValueError` for
    an empty arm, impossible counts, and a confidence outside 0 to 1.
    """
    x0, n0 = counts("x_control", x_control, "n_control", n_control)
    x1, n1 = counts("x_canary", x_canary, "n_canary", n_canary)
    z = upper_tail_quantile((1 - fraction("confidence", confidence)) / 2)
    x0, n0, x1, n1, z = (a.astype(np.float64) for a in np.broadcast_arrays(x0, n0, x1, n1, z))
    estimate = x1 / n1 - x0 / n0

    def refused(delta: Values, sign: float) -> NDArray[np.bool_]:
        rate = constrained_rates(x0, n0, x1, n1, delta)
        other = np.clip(rate + delta, 0.0, 1.0)
        variance = rate * (1 - rate) / n0 + other * (1 - other) / n1
        variance = variance * (n0 + n1) / (n0 + n1 - 1)
        far = sign * (estimate - delta) > z * np.sqrt(np.maximum(variance, 0.0))
        return np.asarray(far, dtype=np.bool_)

    bounds = []
    for sign in (1.0, -1.0):
        outside, inside = np.full_like(estimate, -sign), estimate
        for _ in range(_HALVINGS):
            middle = (outside + inside) / 2
            out = refused(middle, sign)
            outside, inside = np.where(out, middle, outside), np.where(out, inside, middle)
        bounds.append(inside)
    return bounds[0][()], bounds[1][()]


def constrained_rates(
    x_control: Values, n_control: Values, x_canary: Values, n_canary: Values, delta: Values
) -> Values:
    """Control's most likely rate if canary's were higher by exactly `delta`.

    The root of the likelihood's cubic in closed form (Farrington and Manning 1990), with Newton
    steps for the digits that the arc cosine loses near 0 and 1. Counts are taken as valid.
    """
    total = n_control + n_canary
    events = x_control + x_canary
    a = total
    b = (total + n_control) * delta - total - events
    c = (n_control * delta - total - 2 * x_control) * delta + events
    d = x_control * delta * (1 - delta)
    third = b / (3 * a)
    q = third**3 - b * c / (6 * a * a) + d / (2 * a)
    p = np.where(q >= 0, 1.0, -1.0) * np.sqrt(np.maximum(third**2 - c / (3 * a), 0.0))
    cube = p**3
    cosine = np.clip(np.where(cube == 0, 0.0, q / np.where(cube == 0, 1.0, cube)), -1.0, 1.0)
    rate = 2 * p * np.cos((np.pi + np.arccos(cosine)) / 3) - third
    low, high = np.maximum(0.0, -delta), np.minimum(1.0, 1 - delta)
    rate = np.clip(rate, low, high)
    for _ in range(_POLISH):
        value = ((a * rate + b) * rate + c) * rate + d
        slope = (3 * a * rate + 2 * b) * rate + c
        better = np.clip(rate - value / np.where(slope == 0, np.inf, slope), low, high)
        gained = np.abs(((a * better + b) * better + c) * better + d) < np.abs(value)
        rate = np.where(gained, better, rate)
    return np.asarray(rate, dtype=np.float64)
