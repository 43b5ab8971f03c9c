"""An upper bound on the effect that holds at every moment at once, so harm may stop any time."""

from __future__ import annotations

import math
from statistics import NormalDist

from canary.statistics.score_process import Score
from canary.statistics.validation import require_fraction, require_not_negative

__all__ = ["effect_upper_bound", "mixture_radius"]


def mixture_radius(v: float, alpha: float, rho: float) -> float:
    """How far above its mean a process with variance `v` may ever be, with probability alpha.

    One-sided normal mixture (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021): the point
    at which the mixture martingale reaches 1 / alpha. `rho` is the variance at which the bound is
    tight; it must be chosen before the data. Raises `ValueError`.
    """
    require_fraction(alpha=alpha)
    require_not_negative(v=v, rho=rho)
    if rho == 0:
        raise ValueError("rho: 0 is not above 0")
    spread = v + rho
    target = -math.log(alpha) - math.log(2) + 0.5 * math.log(spread / rho)
    low, high = 0.0, 2.0
    while _log_mixture(high) < target:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        if _log_mixture(middle) < target:
            low = middle
        else:
            high = middle
    return high * math.sqrt(spread)


def effect_upper_bound(score: Score, alpha: float, rho: float) -> float:
    """The always-valid upper bound of the effect (canary - control); infinite without data."""
    if score.w <= 0 or score.v <= 0:
        return math.inf
    return (score.s + mixture_radius(score.v, alpha, rho)) / score.w


def _log_mixture(x: float) -> float:
    """The logarithm of exp(x*x/2) * Phi(x)."""
    return 0.5 * x * x + math.log(NormalDist().cdf(x))
