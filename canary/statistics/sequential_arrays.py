"""The always-valid bounds that decisions read, for arrays: what a simulator asks a million times.

Single releases use `canary.statistics.confidence_sequence` and `canary.statistics.srm`; a test
holds that both give the same.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.normal import lower_tail
from canary.statistics.srm import CONCENTRATION
from canary.statistics.validation import Values, above_zero, finite, fraction, not_negative

__all__ = ["mismatch_p_values", "mixture_radii"]

_NEWTON_STEPS = 12
_LOG_GAMMA = np.frompyfunc(math.lgamma, 1, 1)


def mixture_radii(v: ArrayLike, alpha: ArrayLike, rho: ArrayLike) -> Values:
    """How far above its mean a process with variance `v` may ever be, with probability alpha.

    As `confidence_sequence.mixture_radius`: x sqrt(v + rho) where x^2 / 2 + ln Phi(x) =
    ln(1 / (2 alpha)) + ln((v + rho) / rho) / 2 (Robbins 1970; Howard et al. 2021), by Newton's
    steps from above, where the curve is nearly a parabola. Raises `ValueError`.
    """
    spread = not_negative("v", v)
    level, tight = fraction("alpha", alpha), above_zero("rho", rho)
    total = spread + tight
    target = -np.log(level) - math.log(2) + 0.5 * np.log(total / tight)
    # Phi(x) is at least 1/2, so the root lies below this.
    x = np.sqrt(2 * (target + math.log(2)))
    for _ in range(_NEWTON_STEPS):
        phi = lower_tail(x)
        density = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        x = np.maximum(x - (0.5 * x * x + np.log(phi) - target) / (x + density / phi), 0.0)
    return np.asarray(x * np.sqrt(total))[()]


def mismatch_p_values(
    p_canary: ArrayLike,
    n_control: ArrayLike,
    n_canary: ArrayLike,
    concentration: float = CONCENTRATION,
) -> Values:
    """Always-valid p-values of the sample ratio over draws at several rates, the last axis.

    As `srm.mismatch_p_value`: the mean over the drawn rates of Lindon and Malek's (2022) e-values
    of a Dirichlet mixture; rates of 0 and 1, and those without draws, are left out. Without any
    draw p is 1. Raises `ValueError` for rates outside 0 to 1 and for negative counts.
    """
    rate = finite("p_canary", p_canary)
    if np.any((rate < 0) | (rate > 1)):
        raise ValueError(f"p_canary: {rate} is outside 0 to 1")
    prior = float(above_zero("concentration", concentration))
    rate, control, canary = np.broadcast_arrays(
        rate, not_negative("n_control", n_control), not_negative("n_canary", n_canary)
    )
    if rate.ndim < 1:
        raise ValueError("p_canary: needs a last axis of rates")
    drawn = (rate > 0) & (rate < 1) & (control + canary > 0)
    share = np.where(drawn, rate, 0.5)
    logs = math.lgamma(prior) - _log_gamma(prior + control + canary)
    for part, n in ((1 - share, control), (share, canary)):
        logs = logs + _log_gamma(prior * part + n) - _log_gamma(prior * part) - n * np.log(part)
    logs = np.where(drawn, logs, -np.inf)
    number = drawn.sum(axis=-1)
    top = np.where(number > 0, logs.max(axis=-1), 0.0)
    mean = np.exp(logs - top[..., None]).sum(axis=-1) / np.maximum(number, 1)
    log_e = top + np.log(np.where(number > 0, mean, 1.0))
    return np.asarray(np.exp(-np.maximum(log_e, 0.0)))[()]


def _log_gamma(x: ArrayLike) -> Values:
    return np.asarray(_LOG_GAMMA(x), dtype=np.float64)
