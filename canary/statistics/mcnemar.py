"""McNemar's test: two models answer the same prompts, and each answer is right or wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.intervals import Interval
from canary.statistics.validation import require_finite, require_fraction, require_not_negative

__all__ = ["McNemar", "PairedCounts", "mcnemar", "paired_counts"]


@dataclass(frozen=True)
class PairedCounts:
    """Prompts by which model answered them well."""

    both: int
    control_only: int
    canary_only: int
    neither: int

    @property
    def n(self) -> int:
        """All prompts."""
        return self.both + self.control_only + self.canary_only + self.neither


@dataclass(frozen=True)
class McNemar:
    """Canary's share of good answers minus control's, with its interval, and p-values.

    `p_exact` is the conditional test's two-sided p, `p_mid` its mid-p, `p_chi_square` the
    asymptotic one without continuity correction. `informative` is False where the models were
    never apart: p is then 1.
    """

    difference: Interval
    p_exact: float
    p_mid: float
    p_chi_square: float
    informative: bool


def paired_counts(control: ArrayLike, canary: ArrayLike) -> PairedCounts:
    """The counts of two lists of right (1, True) and wrong answers, prompt by prompt.

    Raises `ValueError` where they are not of one length, empty, or hold anything else.
    """
    a, b = np.asarray(control), np.asarray(canary)
    if a.shape != b.shape or a.ndim != 1 or a.size == 0:
        raise ValueError(f"control, canary: need one answer each to each prompt ({a.shape})")
    for name, values in (("control", a), ("canary", b)):
        if not np.all((values == 0) | (values == 1)):
            raise ValueError(f"{name}: an answer is right (1) or wrong (0)")
    right_a, right_b = a == 1, b == 1
    return PairedCounts(
        both=int(np.sum(right_a & right_b)),
        control_only=int(np.sum(right_a & ~right_b)),
        canary_only=int(np.sum(~right_a & right_b)),
        neither=int(np.sum(~right_a & ~right_b)),
    )


def mcnemar(counts: PairedCounts, confidence: float = 0.95) -> McNemar:
    """The test of equal shares by the prompts on which the models part (McNemar 1947).

    Exact and mid-p: the smaller of the two counts is binomial with half under equality (Fagerland,
    Lydersen and Laake 2013). The interval is Bonett and Price's (2012), two-sided. Raises
    `ValueError` for counts that are negative, not whole or all 0, and for an impossible confidence.
    """
    require_fraction(confidence=confidence)
    for name in ("both", "control_only", "canary_only", "neither"):
        value = getattr(counts, name)
        require_not_negative(**{name: value})
        if value != int(value):
            raise ValueError(f"{name}: {value} is not whole")
    if counts.n == 0:
        raise ValueError("counts: no prompt at all")
    apart = counts.control_only + counts.canary_only
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    interval = _bonett_price(counts, z)
    if apart == 0:
        return McNemar(interval, 1.0, 1.0, 1.0, informative=False)
    smaller = min(counts.control_only, counts.canary_only)
    cdf, pmf = _binomial_half(smaller, apart)
    statistic = (counts.canary_only - counts.control_only) ** 2 / apart
    return McNemar(
        difference=interval,
        p_exact=min(1.0, 2 * cdf),
        p_mid=min(1.0, 2 * cdf - pmf),
        p_chi_square=math.erfc(math.sqrt(statistic / 2)),
        informative=True,
    )


def _bonett_price(counts: PairedCounts, z: float) -> Interval:
    """Wald's interval with one pair added to either kind of parting, kept within -1 and 1."""
    require_finite(z=z)
    n = counts.n + 2
    up, down = (counts.canary_only + 1) / n, (counts.control_only + 1) / n
    centre = up - down
    spread = z * math.sqrt((up + down - centre * centre) / n)
    estimate = (counts.canary_only - counts.control_only) / counts.n
    return Interval(estimate, max(-1.0, centre - spread), min(1.0, centre + spread))


def _binomial_half(k: int, n: int) -> tuple[float, float]:
    """P(X <= k) and P(X = k) for X binomial of n and one half."""
    i = np.arange(k)
    # From pmf(k) downwards: pmf(i) / pmf(i + 1) = (i + 1) / (n - i).
    steps = np.cumsum(np.log((i[::-1] + 1) / (n - i[::-1])))
    log_pmf = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
    pmf = math.exp(log_pmf)
    return pmf * (1 + math.fsum(np.exp(steps))), pmf
