"""The normal distribution for arrays, from the standard library alone.

The functions that decide in the cloud carry numpy but not scipy, so nothing here imports it.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.validation import Values

__all__ = ["lower_tail", "quantile", "two_sided", "upper_tail", "upper_tail_quantile"]

_ERFC = np.frompyfunc(math.erfc, 1, 1)
_INVERSE = np.frompyfunc(NormalDist().inv_cdf, 1, 1)
_ROOT_TWO = math.sqrt(2)


def upper_tail(z: ArrayLike) -> Values:
    """P(Z > z), exact to the last digits in the far tail too."""
    return 0.5 * np.asarray(_ERFC(np.asarray(z, dtype=np.float64) / _ROOT_TWO), dtype=np.float64)


def lower_tail(z: ArrayLike) -> Values:
    """P(Z < z)."""
    return upper_tail(-np.asarray(z, dtype=np.float64))


def two_sided(z: ArrayLike) -> Values:
    """P(|Z| > |z|), the two-sided p-value of a z statistic."""
    return 2 * upper_tail(np.abs(np.asarray(z, dtype=np.float64)))


def quantile(p: ArrayLike) -> Values:
    """The z below which a share `p` lies (Wichura 1988); p strictly between 0 and 1."""
    return np.asarray(_INVERSE(np.asarray(p, dtype=np.float64)), dtype=np.float64)


def upper_tail_quantile(p: ArrayLike) -> Values:
    """The z above which a share `p` lies; exact for tiny `p`, where 1 - p has no digits left."""
    return -quantile(p)
