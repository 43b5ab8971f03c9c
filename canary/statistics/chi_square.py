"""The upper tail of chi-square with whole degrees of freedom, for arrays, without scipy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.normal import upper_tail
from canary.statistics.validation import Values, not_negative

__all__ = ["chi_square_upper_tail"]


def chi_square_upper_tail(statistic: ArrayLike, df: int) -> Values:
    """P(chi-square with `df` degrees of freedom > statistic).

    The finite sums of Abramowitz and Stegun (1964) 26.4.4 and 26.4.5: with h = statistic / 2,
    an even df gives exp(-h) * sum over j < df/2 of h^j / j!, an odd one 2 * P(Z > sqrt(2h)) +
    exp(-h) * sum over j < (df - 1)/2 of h^(j + 1/2) / Gamma(j + 3/2). All terms are positive, so
    nothing cancels. Raises `ValueError` for a negative or non-finite statistic and for df < 1.
    """
    if df < 1:
        raise ValueError(f"df: {df} is not above 0")
    half = not_negative("statistic", statistic) / 2
    with np.errstate(divide="ignore"):
        log_half = np.log(half)
    odd = df % 2
    first = np.where(half > 0, 2 * upper_tail(np.sqrt(2 * half)), 1.0) if odd else 0.0
    total = np.asarray(first, dtype=np.float64) + np.zeros_like(half)
    for j in range(df // 2):
        power = j + 0.5 if odd else float(j)
        term = np.exp(power * log_half - half - math.lgamma(power + 1)) if power else np.exp(-half)
        total = total + term
    return np.minimum(total, 1.0)
