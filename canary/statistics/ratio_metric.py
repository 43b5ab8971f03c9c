"""A rate or mean per turn or conversation, with a standard error that knows its customers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from canary.statistics.validation import require_finite, require_not_negative

__all__ = ["Ratio", "Sums", "Totals", "ratio_of", "residual_sum", "total"]


class Sums(Protocol):
    """Sums over units (customers) of the denominator n and the numerator y, and their products."""

    @property
    def units(self) -> float:
        """How many units."""

    @property
    def n(self) -> float:
        """Sum of n."""

    @property
    def y(self) -> float:
        """Sum of y."""

    @property
    def nn(self) -> float:
        """Sum of n * n."""

    @property
    def ny(self) -> float:
        """Sum of n * y."""

    @property
    def yy(self) -> float:
        """Sum of y * y."""


@dataclass(frozen=True)
class Totals:
    """Sums added up over cells."""

    units: float = 0.0
    n: float = 0.0
    y: float = 0.0
    nn: float = 0.0
    ny: float = 0.0
    yy: float = 0.0


@dataclass(frozen=True)
class Ratio:
    """Numerator over denominator, its cluster-robust variance, and the sizes behind it."""

    estimate: float
    variance: float
    n: float
    units: float


def total(parts: Iterable[Sums]) -> Totals:
    """The sums of all parts."""
    units = n = y = nn = ny = yy = 0.0
    for part in parts:
        units += part.units
        n += part.n
        y += part.y
        nn += part.nn
        ny += part.ny
        yy += part.yy
    return Totals(units, n, y, nn, ny, yy)


def ratio_of(sums: Sums) -> Ratio:
    """Sum of y over sum of n, by the delta method over units.

    Without data the estimate is NaN; with fewer than two units the variance is infinite. Raises
    `ValueError` for sums that are not finite or a negative denominator.
    """
    _check(sums)
    if sums.n <= 0 or sums.units <= 0:
        return Ratio(math.nan, math.inf, 0.0, sums.units)
    estimate = sums.y / sums.n
    if sums.units < 2:  # noqa: PLR2004  # one unit says nothing about its spread
        return Ratio(estimate, math.inf, sums.n, sums.units)
    correction = sums.units / (sums.units - 1)
    variance = correction * residual_sum(sums, estimate) / sums.n**2
    return Ratio(estimate, variance, sums.n, sums.units)


def residual_sum(sums: Sums, rate: float) -> float:
    """The sum over units of (y - rate * n) squared."""
    return max(0.0, sums.yy - 2 * rate * sums.ny + rate * rate * sums.nn)


def _check(sums: Sums) -> None:
    # Almost always all is well, and a simulator asks a million times.
    if sums.n >= 0 and sums.units >= 0 and math.isfinite(sums.y + sums.nn + sums.ny + sums.yy):
        return
    require_not_negative(n=sums.n, units=sums.units)
    require_finite(y=sums.y, nn=sums.nn, ny=sums.ny, yy=sums.yy)
