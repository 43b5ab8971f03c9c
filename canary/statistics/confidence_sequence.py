"""An upper bound on the effect that holds at every moment at once, so harm may stop any time."""

from __future__ import annotations

import functools
import math
from statistics import NormalDist

from canary.statistics.score_process import Score
from canary.statistics.validation import require_fraction, require_not_negative

__all__ = ["effect_upper_bound", "least_z", "mixture_radius"]

_NORMAL = NormalDist()
_NEWTON_STEPS = 20
_CLOSE = 1e-15


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
    # Phi(x) is at least 1/2, so the root lies below this; Newton's steps fall on it from above.
    x = math.sqrt(2 * (target + math.log(2)))
    for _ in range(_NEWTON_STEPS):
        phi = _NORMAL.cdf(x)
        step = (0.5 * x * x + math.log(phi) - target) / (x + _NORMAL.pdf(x) / phi)
        x = max(x - step, 0.0)
        if abs(step) <= _CLOSE:
            break
    return x * math.sqrt(spread)


@functools.lru_cache(maxsize=32)
def least_z(alpha: float) -> float:
    """Nearer to its mean, in its own standard deviations, no process is beyond its radius.

    The radius is x sqrt(v + rho) where x^2 / 2 is at least -ln(2 alpha). Raises `ValueError`.
    """
    require_fraction(alpha=alpha)
    return math.sqrt(max(0.0, -2 * math.log(2 * alpha)))


def effect_upper_bound(score: Score, alpha: float, rho: float) -> float:
    """The always-valid upper bound of the effect (canary - control); infinite without data."""
    if score.w <= 0 or score.v <= 0:
        return math.inf
    return (score.s + mixture_radius(score.v, alpha, rho)) / score.w
