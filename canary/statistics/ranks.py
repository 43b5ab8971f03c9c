"""Does one sample tend to be larger: Mann-Whitney, and Hodges and Lehmann's shift.

Both read sorted samples, smallest first: latencies, turns, ratings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.normal import two_sided, upper_tail, upper_tail_quantile
from canary.statistics.validation import Values, fraction, ordered

__all__ = ["RankTest", "Shift", "hodges_lehmann", "mann_whitney"]

Alternative = Literal["two-sided", "greater", "less"]
Method = Literal["exact", "asymptotic"]

_EXACT_PAIRS = 10_000
"""Up to so many pairs, and without ties, the exact distribution is summed."""
_SHIFT_PAIRS = 20_000_000
"""More pairwise differences than this do not fit a function's memory."""


@dataclass(frozen=True)
class RankTest:
    """U counts the pairs in which canary is larger, ties by half; superiority is U / pairs.

    `p_exact` is None with ties or many pairs. When all values are equal nothing is known:
    `informative` is False and the p-values are 1.
    """

    u: float
    superiority: float
    z: float
    p_value: float
    p_value_continuity: float
    p_exact: float | None
    informative: bool


@dataclass(frozen=True)
class Shift:
    """The median of all differences canary - control with distribution-free bounds.

    A bound is infinite when the samples are too small for the confidence.
    """

    estimate: float
    lower: float
    upper: float


def mann_whitney(
    control: ArrayLike, canary: ArrayLike, alternative: Alternative = "two-sided"
) -> RankTest:
    """The rank-sum test (Mann and Whitney 1947), normal with ties' correction, exact when small.

    Var U = mn/12 * (N + 1 - sum(t^3 - t) / (N(N - 1))) over ties of size t; the continuity
    correction is 1/2; "greater" means that canary's values are. Raises `ValueError` for an empty
    or unsorted sample, for NaN, and for an unknown alternative.
    """
    if alternative not in ("two-sided", "greater", "less"):
        raise ValueError(f"alternative: {alternative!r} is not two-sided, greater or less")
    x, y = ordered("control", control), ordered("canary", canary)
    m, n = len(x), len(y)
    below = np.searchsorted(x, y, side="left").sum()
    not_above = np.searchsorted(x, y, side="right").sum()
    u = float(below + not_above) / 2
    sizes = np.unique(np.concatenate((x, y)), return_counts=True)[1].astype(np.float64)
    # All values equal: rounding must not turn "no variance" into a tiny one.
    if len(sizes) == 1:
        return RankTest(u, u / (m * n), 0.0, 1.0, 1.0, None, informative=False)
    total = m + n
    ties = float((sizes**3 - sizes).sum())
    deviation = math.sqrt(m * n / 12 * (total + 1 - ties / (total * (total - 1))))
    distance = u - m * n / 2
    exact = None
    if len(sizes) == total and m * n <= _EXACT_PAIRS:
        exact = _exact(u, m, n, alternative)
    return RankTest(
        u,
        u / (m * n),
        distance / deviation,
        _normal(distance, 0.0, deviation, alternative),
        _normal(distance, 0.5, deviation, alternative),
        exact,
        informative=True,
    )


def hodges_lehmann(
    control: ArrayLike, canary: ArrayLike, confidence: float = 0.95, method: Method = "exact"
) -> Shift:
    """The shift between two samples in the metric's unit (Hodges and Lehmann 1963).

    Its bounds are ordered differences, by the ranks at which Mann-Whitney stops refusing:
    exactly distributed or normal. With ties they are conservative. Raises `ValueError` for an
    empty or unsorted sample, a confidence outside 0 to 1, and too many pairs.
    """
    x, y = ordered("control", control), ordered("canary", canary)
    tail = (1 - float(fraction("confidence", confidence))) / 2
    pairs = len(x) * len(y)
    if pairs > _SHIFT_PAIRS:
        raise ValueError(f"control, canary: {pairs} pairs are more than {_SHIFT_PAIRS}")
    if method == "exact" and pairs <= _EXACT_PAIRS:
        cumulative = np.cumsum(_u_counts(len(x), len(y))) / math.comb(len(x) + len(y), len(x))
        rank = int(np.searchsorted(cumulative, tail, side="right"))
    elif method in ("exact", "asymptotic"):
        deviation = math.sqrt(pairs * (len(x) + len(y) + 1) / 12)
        rank = math.floor(pairs / 2 - float(upper_tail_quantile(tail)) * deviation)
    else:
        raise ValueError(f"method: {method!r} is neither exact nor asymptotic")
    differences = np.sort((y[:, None] - x[None, :]).ravel())
    estimate = float(np.median(differences))
    if rank < 1:
        return Shift(estimate, -math.inf, math.inf)
    return Shift(estimate, float(differences[rank - 1]), float(differences[pairs - rank]))


def _normal(distance: float, correction: float, deviation: float, alternative: str) -> float:
    if alternative == "two-sided":
        return float(two_sided(max(abs(distance) - correction, 0.0) / deviation))
    outwards = distance if alternative == "greater" else -distance
    return float(upper_tail((outwards - correction) / deviation))


def _exact(u: float, m: int, n: int, alternative: str) -> float:
    """The tail's share of all orders; two-sided twice the smaller tail, at most 1."""
    outwards = {"greater": m * n - u, "less": u}.get(alternative, min(u, m * n - u))
    tail = _u_counts(m, n)[: int(outwards) + 1].sum() / math.comb(m + n, m)
    return float(min(1.0, 2 * tail if alternative == "two-sided" else tail))


def _u_counts(m: int, n: int) -> Values:
    """In how many orders U takes each value from 0 to m * n: the Gaussian binomial's coefficients.

    The product over i of (1 - q^(n + i)) / (1 - q^i), one factor at a time.
    """
    counts = np.zeros(m * n + 1)
    counts[0] = 1.0
    for i in range(1, m + 1):
        if n + i <= m * n:
            # From the top down: each entry uses the one below as it was.
            counts[n + i :] = counts[n + i :] - counts[: -(n + i)].copy()
        for start in range(i):
            counts[start::i] = np.cumsum(counts[start::i])
    # Subtractions leave rounding at the far end; the distribution is symmetric.
    half = (m * n) // 2 + 1
    counts[half:] = counts[: m * n + 1 - half][::-1]
    return counts
