"""A rate or mean per turn or conversation, with a standard error that knows its customers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple, Protocol

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


class Totals(NamedTuple):
    """Sums added up over cells."""

    units: float = 0.0
    n: float = 0.0
    y: float = 0.0
    nn: float = 0.0
    ny: float = 0.0
    yy: float = 0.0


class Ratio(NamedTuple):
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
    units, n, y = sums.units, sums.n, sums.y
    # Almost always all is well, and a simulator asks a million times.
    if not (n >= 0 and units >= 0 and math.isfinite(y + sums.nn + sums.ny + sums.yy)):
        _check(sums)
    if n <= 0 or units <= 0:
        return Ratio(math.nan, math.inf, 0.0, units)
    estimate = y / n
    if units < 2:  # noqa: PLR2004  # one unit says nothing about its spread
        return Ratio(estimate, math.inf, n, units)
    return Ratio(estimate, units / (units - 1) * residual_sum(sums, estimate) / n**2, n, units)


def residual_sum(sums: Sums, rate: float) -> float:
    """The sum over units of (y - rate * n) squared."""
    return max(0.0, sums.yy - 2 * rate * sums.ny + rate * rate * sums.nn)


def _check(sums: Sums) -> None:
    require_not_negative(n=sums.n, units=sums.units)
    require_finite(y=sums.y, nn=sums.nn, ny=sums.ny, yy=sums.yy)
