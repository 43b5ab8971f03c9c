"""Ratios of sums over units (customers, conversations) for arrays: the delta method.

Events of one customer are alike; a binomial standard error over events does not know that. The
scalar form that decisions read is `canary.statistics.ratio_metric`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.normal import two_sided, upper_tail, upper_tail_quantile
from canary.statistics.validation import Values, above_zero, finite, fraction, not_negative

__all__ = ["RatioEstimate", "RatioTest", "UnitSums", "clustered_difference", "clustered_ratio"]

_LEAST = 2.0
"""Fewer units than this have no spread."""
_ROUNDING = 1e-9
"""By how much sums of squares may miss the inequality that every sample satisfies."""


@dataclass(frozen=True)
class UnitSums:
    """Over the units of one arm: how many, sums of n and y, and of n*n, n*y and y*y."""

    units: ArrayLike
    n: ArrayLike
    y: ArrayLike
    nn: ArrayLike
    ny: ArrayLike
    yy: ArrayLike


@dataclass(frozen=True)
class RatioEstimate:
    """Sum of y over sum of n, and its cluster-robust standard error."""

    ratio: Values
    standard_error: Values


@dataclass(frozen=True)
class RatioTest:
    """Canary's ratio minus control's; z is 0 and p 1 where no unit differs from its arm's ratio."""

    difference: Values
    standard_error: Values
    z: Values
    p_two_sided: Values
    p_greater: Values
    lower: Values
    upper: Values


def clustered_ratio(sums: UnitSums) -> RatioEstimate:
    """R = sum y / sum n with se^2 = k / (k - 1) * sum (y - R n)^2 / (sum n)^2 over k units.

    The linearisation of a ratio (Cochran 1977, ch. 6; Deng, Knoblich and Lu 2018). Raises
    `ValueError` for fewer than two units, a denominator of 0, sums that are not finite, and
    squares that no units could have.
    """
    units, n = finite("units", sums.units), above_zero("n", sums.n)
    if np.any(units < _LEAST):
        raise ValueError(f"units: {units.min()} are fewer than two")
    y, ny = finite("y", sums.y), finite("ny", sums.ny)
    nn, yy = not_negative("nn", sums.nn), not_negative("yy", sums.yy)
    for name, square, total in (("nn", nn, n), ("yy", yy, y)):
        if np.any(square * units < total**2 * (1 - _ROUNDING)):
            raise ValueError(f"{name}: {square} is less than {units} units must have")
    ratio = y / n
    residual = np.maximum(yy - 2 * ratio * ny + ratio**2 * nn, 0.0)
    return RatioEstimate(ratio, np.sqrt(units / (units - 1) * residual) / n)


def clustered_difference(
    control: UnitSums, canary: UnitSums, confidence: ArrayLike = 0.95
) -> RatioTest:
    """The arms' ratios compared: independent arms, normal z, two-sided interval.

    Raises `ValueError` as `clustered_ratio` does, naming the sums' field.
    """
    z_level = upper_tail_quantile((1 - fraction("confidence", confidence)) / 2)
    a, b = clustered_ratio(control), clustered_ratio(canary)
    difference = b.ratio - a.ratio
    error = np.hypot(a.standard_error, b.standard_error)
    varies = error > 0
    z = np.where(varies, difference / np.where(varies, error, 1.0), 0.0)[()]
    p_greater = np.where(varies, upper_tail(z), 1.0)[()]
    spread = z_level * error
    return RatioTest(
        difference, error, z, two_sided(z), p_greater, difference - spread, difference + spread
    )
