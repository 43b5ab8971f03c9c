"""The ratio of two arms' P99, from each arm's slowest observations only."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from canary.statistics.binomial import binomial_window
from canary.statistics.intervals import Interval, difference

__all__ = ["MIN_OBSERVATIONS", "quantile_interval", "quantile_ranks", "quantile_ratio"]

MIN_OBSERVATIONS = 299
"""Below this no order statistic bounds the P99 from above with 95% confidence."""
_ROUNDING = 1e-12
"""A probability that equals the confidence but for rounding reaches it."""
_DEVIATIONS = 12
"""Beyond lies less than a rounding of any confidence that is asked for."""


@functools.lru_cache(maxsize=64)
def quantile_ranks(n: int, q: float, confidence: float) -> tuple[int, int]:
    """The 1-based ranks whose order statistics bound the q-quantile, each one-sided.

    A rank of 0 or n + 1 says that no observation serves as that bound. Raises `ValueError`.
    """
    if n < 1 or not 0 < q < 1 or not 0 < confidence < 1:
        raise ValueError(f"n, q, confidence: {n}, {q}, {confidence} are out of range")
    # cdf[j]: probability that at most start + j observations exceed the quantile.
    start, pmf = binomial_window(n, 1 - q, _DEVIATIONS)
    cdf = np.minimum(np.cumsum(pmf), 1.0)
    upper_from_top = start + int(np.searchsorted(cdf, 1 - confidence + _ROUNDING, side="right"))
    lower_from_top = start + int(np.searchsorted(cdf, confidence - _ROUNDING, side="left"))
    return max(0, n - lower_from_top), n + 1 - upper_from_top


def quantile_interval(
    n: int, slowest: Sequence[float] | NDArray[np.float64], q: float, confidence: float
) -> Interval | None:
    """The quantile of `n` observations, of which `slowest` are the largest, largest first.

    `None` when there are too few, in all or among the slowest, to bound it. Raises `ValueError`
    for values that are not positive or not in order.
    """
    if len(slowest) > n:
        raise ValueError(f"slowest: {len(slowest)} values of n = {n}")
    values = np.asarray(slowest, dtype=np.float64)
    if not np.all(np.isfinite(values) & (values > 0)):
        raise ValueError("slowest: every value must be finite and above 0")
    if np.any(values[:-1] < values[1:]):
        raise ValueError("slowest: the largest must come first")
    if n < 1:
        return None
    lower, upper = quantile_ranks(n, q, confidence)
    ranks = (math.ceil(n * q), lower, upper)
    if upper > n or lower < 1 or n - min(ranks) >= len(slowest):
        return None
    estimate, low, high = (float(values[n - rank]) for rank in ranks)
    return Interval(estimate, min(low, estimate), max(high, estimate))


def quantile_ratio(canary: Interval, control: Interval) -> Interval:
    """Canary over control minus one: the arms' bounds combined on the log scale (MOVER)."""
    logs = [Interval(*map(math.log, (a.estimate, a.lower, a.upper))) for a in (canary, control)]
    both = difference(*logs)
    return Interval(*(math.expm1(value) for value in (both.estimate, both.lower, both.upper)))
