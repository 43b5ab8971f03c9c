"""How many observations an arm needs, for any allocation, one-sided or two-sided, for arrays.

`allocation` is canary over control: 1 / 19 for a canary at 5%. Sizes are not rounded; `whole()`
rounds each arm up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canary.statistics.miettinen_nurminen import constrained_rates
from canary.statistics.normal import lower_tail, upper_tail_quantile
from canary.statistics.two_proportions import Direction
from canary.statistics.validation import (
    Values,
    above_zero,
    finite,
    fraction,
    not_negative,
    unit_interval,
)

__all__ = [
    "Sides",
    "Sizes",
    "farrington_manning_size",
    "means_size",
    "noninferiority_size",
    "proportions_power",
    "proportions_size",
]

Sides = Literal[1, 2]


@dataclass(frozen=True)
class Sizes:
    """Exact observations in each arm, before rounding."""

    control: Values
    canary: Values

    def whole(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Each arm rounded up, at least 1; 1e-12 relative above a whole number is rounding."""
        both = (np.maximum(np.ceil(n * (1 - 1e-12)), 1) for n in (self.control, self.canary))
        control, canary = (np.asarray(n, dtype=np.int64)[()] for n in both)
        return control, canary


def proportions_size(
    p_control: ArrayLike,
    p_canary: ArrayLike,
    *,
    alpha: ArrayLike = 0.05,
    power: ArrayLike = 0.8,
    allocation: ArrayLike = 1.0,
    sides: Sides = 2,
    pooled: bool = False,
) -> Sizes:
    """To find a difference of two rates.

    Unpooled: (z_a + z_b)^2 (p0 q0 + p1 q1 / r) / d^2. Pooled, for the score test:
    (z_a sqrt(p q (1 + 1/r)) + z_b sqrt(p0 q0 + p1 q1 / r))^2 / d^2 with p = (p0 + r p1) / (1 + r)
    (Fleiss, Levin and Paik 2003, ch. 4, no continuity correction). At 95/5 they differ by a
    quarter: say which one is quoted. Raises `ValueError` when the rates are equal, a rate is
    outside 0 to 1, or the power is not above what alpha gives by itself.
    """
    p0, p1 = unit_interval("p_control", p_control), unit_interval("p_canary", p_canary)
    z_alpha, z_beta = _levels(alpha, power, sides)
    r = above_zero("allocation", allocation)
    if np.any(p0 == p1):
        raise ValueError("p_canary: equals p_control; no sample shows a difference of 0")
    unpooled = p0 * (1 - p0) + p1 * (1 - p1) / r
    mean = (p0 + r * p1) / (1 + r)
    under_null = mean * (1 - mean) * (1 + 1 / r) if pooled else unpooled
    return _sizes(z_alpha * np.sqrt(under_null) + z_beta * np.sqrt(unpooled), p1 - p0, r)


def noninferiority_size(
    p_control: ArrayLike,
    p_canary: ArrayLike,
    margin: ArrayLike,
    *,
    direction: Direction = "higher_is_better",
    alpha: ArrayLike = 0.025,
    power: ArrayLike = 0.8,
    allocation: ArrayLike = 1.0,
    sides: Sides = 1,
) -> Sizes:
    """To show that the canary is worse by less than `margin` (fraction), by Wald's test.

    (z_a + z_b)^2 (p0 q0 + p1 q1 / r) / (gain + margin)^2, gain being p1 - p0 or its opposite where
    lower is better (Blackwelder 1982). Raises `ValueError` when the canary lies at the margin or
    beyond it.
    """
    p0, p1 = unit_interval("p_control", p_control), unit_interval("p_canary", p_canary)
    z_alpha, z_beta = _levels(alpha, power, sides)
    r = above_zero("allocation", allocation)
    distance = _beyond_margin(p0, p1, margin, direction)
    return _sizes((z_alpha + z_beta) * np.sqrt(p0 * (1 - p0) + p1 * (1 - p1) / r), distance, r)


def farrington_manning_size(
    p_control: ArrayLike,
    p_canary: ArrayLike,
    margin: ArrayLike,
    *,
    direction: Direction = "higher_is_better",
    alpha: ArrayLike = 0.025,
    power: ArrayLike = 0.8,
    allocation: ArrayLike = 1.0,
    sides: Sides = 1,
) -> Sizes:
    """As `noninferiority_size`, for the score test (Farrington and Manning 1990).

    The variance under the hypothesis is that of the likeliest rates exactly a margin apart, so
    sizes differ from Wald's, most at uneven allocations. Raises `ValueError`.
    """
    p0, p1 = unit_interval("p_control", p_control), unit_interval("p_canary", p_canary)
    z_alpha, z_beta = _levels(alpha, power, sides)
    r = above_zero("allocation", allocation)
    distance = _beyond_margin(p0, p1, margin, direction)
    sign = 1.0 if direction == "higher_is_better" else -1.0
    p0, p1, r, z_alpha, delta = np.broadcast_arrays(
        p0, p1, r, z_alpha, -sign * not_negative("margin", margin)
    )
    if np.any(np.abs(delta) >= 1):
        raise ValueError(f"margin: {margin!r} leaves no rates that far apart")
    null0 = constrained_rates(p0, np.ones_like(p0), p1 * r, r, delta)
    null1 = np.clip(null0 + delta, 0.0, 1.0)
    under_null = null0 * (1 - null0) + null1 * (1 - null1) / r
    unpooled = p0 * (1 - p0) + p1 * (1 - p1) / r
    return _sizes(z_alpha * np.sqrt(under_null) + z_beta * np.sqrt(unpooled), distance, r)


def means_size(
    delta: ArrayLike,
    sd_control: ArrayLike,
    sd_canary: ArrayLike,
    *,
    alpha: ArrayLike = 0.05,
    power: ArrayLike = 0.8,
    allocation: ArrayLike = 1.0,
    sides: Sides = 2,
) -> Sizes:
    """To find a difference `delta` of two means: (z_a + z_b)^2 (s0^2 + s1^2 / r) / delta^2.

    Normal approximation, `delta` and deviations in the metric's unit. For non-inferiority give
    the distance to the margin as `delta`. Raises `ValueError` for a delta or a deviation of 0.
    """
    difference = finite("delta", delta)
    if np.any(difference == 0):
        raise ValueError("delta: no sample shows a difference of 0")
    s0, s1 = above_zero("sd_control", sd_control), above_zero("sd_canary", sd_canary)
    z_alpha, z_beta = _levels(alpha, power, sides)
    r = above_zero("allocation", allocation)
    return _sizes((z_alpha + z_beta) * np.sqrt(s0**2 + s1**2 / r), difference, r)


def proportions_power(
    p_control: ArrayLike,
    p_canary: ArrayLike,
    n_control: ArrayLike,
    n_canary: ArrayLike,
    *,
    alpha: ArrayLike = 0.05,
    sides: Sides = 2,
) -> Values:
    """The probability that the unpooled z test finds this difference in its own direction.

    Phi(|d| / sqrt(p0 q0 / n0 + p1 q1 / n1) - z_a). Without a difference it is alpha by side;
    where neither rate varies it is 1, or 0 for equal rates. Raises `ValueError`.
    """
    p0, p1 = unit_interval("p_control", p_control), unit_interval("p_canary", p_canary)
    n0, n1 = above_zero("n_control", n_control), above_zero("n_canary", n_canary)
    z_alpha = upper_tail_quantile(fraction("alpha", alpha) / _checked(sides))
    error = np.sqrt(p0 * (1 - p0) / n0 + p1 * (1 - p1) / n1)
    distance = np.abs(p1 - p0)
    certain = np.where(distance > 0, np.inf, -np.inf)
    shift = np.where(error > 0, distance / np.where(error > 0, error, 1.0), certain)
    return lower_tail(shift - z_alpha)[()]


def _checked(sides: int) -> int:
    if sides not in (1, 2):
        raise ValueError(f"sides: {sides!r} is neither 1 nor 2")
    return int(sides)


def _levels(alpha: ArrayLike, power: ArrayLike, sides: int) -> tuple[Values, Values]:
    level = fraction("alpha", alpha) / _checked(sides)
    wanted = fraction("power", power)
    if np.any(wanted <= level):
        raise ValueError(f"power: {power!r} is not above the {level} that chance gives")
    return upper_tail_quantile(level), -upper_tail_quantile(wanted)


def _beyond_margin(p0: Values, p1: Values, margin: ArrayLike, direction: str) -> Values:
    if direction not in ("higher_is_better", "lower_is_better"):
        raise ValueError(f"direction: {direction!r} is neither higher_ nor lower_is_better")
    gain = p1 - p0 if direction == "higher_is_better" else p0 - p1
    distance = gain + not_negative("margin", margin)
    if np.any(distance <= 0):
        raise ValueError(f"margin: {margin!r} does not lie beyond the canary's own difference")
    return np.asarray(distance, dtype=np.float64)


def _sizes(deviations: Values, distance: Values, allocation: Values) -> Sizes:
    control = (deviations / distance) ** 2
    return Sizes(np.asarray(control)[()], np.asarray(control * allocation)[()])
