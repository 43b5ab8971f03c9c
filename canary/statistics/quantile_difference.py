"""The difference of two quantiles (P99, canary minus control) with a distribution-free interval.

The ratio that gates read is `canary.statistics.quantile_ratio`; ranks and their limits are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.binomial import binomial_window
from canary.statistics.intervals import Interval, difference
from canary.statistics.quantile_ratio import quantile_ranks
from canary.statistics.validation import Values, fraction, ordered, unit_interval

__all__ = ["Ranks", "order_statistic_ranks", "quantile_difference", "sample_quantile"]

Kind = Literal["type1_inverted_cdf", "type6_weibull", "type7_linear", "type8"]
_METHODS = {
    "type1_inverted_cdf": "inverted_cdf",
    "type6_weibull": "weibull",
    "type7_linear": "linear",
    "type8": "median_unbiased",
}


@dataclass(frozen=True)
class Ranks:
    """1-based ranks whose observations enclose a quantile, and the probability that they do."""

    lower: int
    upper: int
    coverage: float


def sample_quantile(sample: ArrayLike, q: ArrayLike, kind: Kind = "type1_inverted_cdf") -> Values:
    """Quantiles of a sorted sample by Hyndman and Fan's (1996) types.

    Everything this product decides on uses type 1, an observation; the others interpolate.
    Raises `ValueError` for an unsorted or empty sample and q outside 0 to 1.
    """
    if kind not in _METHODS:
        raise ValueError(f"kind: {kind!r} is none of {', '.join(_METHODS)}")
    levels = unit_interval("q", q)
    found = np.quantile(ordered("sample", sample), levels, method=_METHODS[kind])  # type: ignore[call-overload]
    return np.asarray(found, dtype=np.float64)[()]


def order_statistic_ranks(n: int, q: float, confidence: float) -> Ranks:
    """Equal-tailed ranks from the binomial count of observations below the quantile.

    The largest l with F(l - 1) <= tail and the smallest u with 1 - F(u - 1) <= tail. Raises
    `ValueError` when no observation can serve as a bound: P99 at 95% needs n above 367.
    """
    tail = (1 - float(fraction("confidence", confidence))) / 2
    if not n >= 1 or n != int(n):
        raise ValueError(f"n: {n} is not a whole number above 0")
    lower, upper = quantile_ranks(int(n), float(fraction("q", q)), 1 - tail)
    if lower < 1 or upper > n:
        raise ValueError(f"n: {n} observations do not enclose the {q} quantile at {confidence}")
    # Between the ranks lies the quantile when so many observations are below it.
    start, pmf = binomial_window(int(n), q)
    coverage = float(pmf[max(0, lower - start) : max(0, upper - start)].sum())
    return Ranks(lower, upper, min(1.0, coverage))


def quantile_difference(
    control: ArrayLike, canary: ArrayLike, q: float, confidence: float = 0.95
) -> Interval:
    """Canary's q-quantile minus control's in the samples' unit, two-sided at `confidence`.

    Each arm's bounds are ordered observations; MOVER combines them (Zou and Donner 2008). Both
    samples come smallest first. Raises `ValueError` when a sample is unsorted or too small.
    """
    return difference(
        _arm("canary", canary, q, confidence), _arm("control", control, q, confidence)
    )


def _arm(name: str, sample: ArrayLike, q: float, confidence: float) -> Interval:
    values = ordered(name, sample)
    try:
        ranks = order_statistic_ranks(len(values), q, confidence)
    except ValueError as problem:
        raise ValueError(f"{name}: {problem}") from problem
    estimate = float(sample_quantile(values, q))
    low, high = float(values[ranks.lower - 1]), float(values[ranks.upper - 1])
    return Interval(estimate, min(low, estimate), max(high, estimate))
