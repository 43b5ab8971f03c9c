"""Confidence intervals for one rate, for a difference and for a ratio of two estimates."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from statistics import NormalDist

from canary.statistics.validation import require_finite, require_fraction, require_not_negative

__all__ = ["Interval", "difference", "newcombe", "normal", "one_sided_z", "ratio", "wilson"]


@dataclass(frozen=True)
class Interval:
    """An estimate between two bounds, each one-sided at the same level; bounds may be infinite."""

    estimate: float
    lower: float
    upper: float


@functools.lru_cache(maxsize=256)
def one_sided_z(confidence: float) -> float:
    """The normal quantile of a one-sided confidence such as 0.95."""
    require_fraction(confidence=confidence)
    return NormalDist().inv_cdf(confidence)


def wilson(x: float, n: float, z: float) -> Interval:
    """Wilson's score interval (1927) of a rate with `x` events in `n`; without data 0 to 1.

    `x` and `n` may be effective, so not whole. Raises `ValueError` for `x` outside 0 to `n`.
    """
    if not (0 <= x <= n < math.inf and 0 <= z < math.inf):
        require_finite(x=x)
        require_not_negative(n=n, z=z)
        raise ValueError(f"x: {x} is outside 0 to n = {n}")
    if n == 0:
        return Interval(0.5, 0.0, 1.0)
    rate = x / n
    centre = rate + z * z / (2 * n)
    spread = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    lower = 0.0 if x == 0 else (centre - spread) / scale
    upper = 1.0 if x == n else (centre + spread) / scale
    return Interval(rate, max(0.0, lower), min(1.0, upper))


def normal(estimate: float, variance: float, z: float) -> Interval:
    """An estimate and `z` standard errors on both sides. Raises `ValueError` on variance < 0."""
    require_finite(estimate=estimate, z=z)
    require_not_negative(variance=variance)
    spread = z * math.sqrt(variance)
    return Interval(estimate, estimate - spread, estimate + spread)


def difference(canary: Interval, control: Interval) -> Interval:
    """Canary minus control, from the arms' own bounds (MOVER: Zou and Donner 2008)."""
    d = canary.estimate - control.estimate
    down = math.hypot(canary.estimate - canary.lower, control.upper - control.estimate)
    up = math.hypot(canary.upper - canary.estimate, control.estimate - control.lower)
    return Interval(d, d - down, d + up)


def newcombe(
    x_control: float, n_control: float, x_canary: float, n_canary: float, z: float
) -> Interval:
    """Canary's rate minus control's: Newcombe's hybrid score interval (1998, method 10)."""
    return difference(wilson(x_canary, n_canary, z), wilson(x_control, n_control, z))


def ratio(canary: Interval, control: Interval) -> Interval:
    """Canary over control minus one, for positive quantities (MOVER-R: Donner and Zou 2012).

    The upper bound is infinite when the control's bounds reach zero; with a control of zero
    nothing is known of the ratio, and both bounds are infinite.
    """
    p1, l1, u1 = canary.estimate, max(0.0, canary.lower), canary.upper
    p0, l0, u0 = control.estimate, max(0.0, control.lower), control.upper
    if p0 <= 0 or p1 < 0:
        return Interval(math.nan, -math.inf, math.inf)
    product = p1 * p0
    low_scale, up_scale = u0 * (2 * p0 - u0), l0 * (2 * p0 - l0)
    if low_scale > 0:
        root = math.sqrt(max(0.0, product**2 - l1 * (2 * p1 - l1) * low_scale))
        lower = (product - root) / low_scale
    else:
        lower = l1 / u0
    if up_scale > 0:
        root = math.sqrt(max(0.0, product**2 - u1 * (2 * p1 - u1) * up_scale))
        upper = (product + root) / up_scale
    else:
        upper = math.inf
    return Interval(p1 / p0 - 1, lower - 1, upper - 1)
