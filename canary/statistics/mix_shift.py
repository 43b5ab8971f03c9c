"""Has a distribution over categories shifted? A chi-square that knows its clusters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from canary.statistics.chi_square import chi_square_upper_tail
from canary.statistics.validation import require_finite

__all__ = ["MixShift", "mix_shift"]

_ROUNDING = 1e-9


@dataclass(frozen=True)
class MixShift:
    """The corrected statistic, its degrees of freedom, and the p-value."""

    statistic: float
    df: int
    p_value: float


def mix_shift(
    differences: Sequence[float], covariance: Sequence[Sequence[float]], shares: Sequence[float]
) -> MixShift:
    """Test that every category's share is the same in both arms.

    `differences` are shares (arm minus arm), `covariance` their cluster-robust covariance,
    `shares` what the categories have in common; categories with a share of 0 are left out. The
    plain statistic sum(d_j^2 / p_j) is a weighted sum of chi-squares, brought to the first two
    moments of one: Rao and Scott (1984), second order, after Satterthwaite. Its degrees of freedom
    are rounded up, which errs towards "no shift". No matrix is inverted, so that another library
    of linear algebra gives the same digits.

    Without a share or a variance the p-value is 1. Raises `ValueError` for sizes that do not agree
    or numbers that are not finite.
    """
    size = len(differences)
    if len(shares) != size or len(covariance) != size or any(len(r) != size for r in covariance):
        raise ValueError("covariance, shares: not of the size of differences")
    for index, row in enumerate(covariance):
        require_finite(difference=differences[index], share=shares[index])
        for value in row:
            require_finite(covariance=value)
    kept = [index for index in range(size) if shares[index] > 0]
    plain = sum(differences[j] ** 2 / shares[j] for j in kept)
    mean = sum(covariance[j][j] / shares[j] for j in kept)
    spread = sum(covariance[j][k] ** 2 / (shares[j] * shares[k]) for j in kept for k in kept)
    if mean <= 0 or spread <= 0:
        return MixShift(0.0, 1, 1.0)
    statistic = plain * mean / spread
    df = max(1, math.ceil(mean**2 / spread - _ROUNDING))
    return MixShift(statistic, df, float(chi_square_upper_tail(statistic, df)))
