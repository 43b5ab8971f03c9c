"""Intervals and p-values that hold at every moment at once: look as often as you like.

The one-sided bound that stops harm is `canary.statistics.confidence_sequence`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canary.statistics.validation import Values, above_zero, counts, finite, fraction

__all__ = [
    "MixtureTest",
    "asymptotic_radius",
    "mixture_sprt",
    "rate_difference_sequence",
    "tightest_rho",
    "tightest_rho_approximate",
]

_NEWTON_STEPS = 60


@dataclass(frozen=True)
class MixtureTest:
    """The logarithm of the mixture likelihood ratio, its p-value, whether it refuses now."""

    log_ratio: Values
    p_value: Values
    reject: NDArray[np.bool_]


def asymptotic_radius(
    t: ArrayLike, sigma: ArrayLike, rho: ArrayLike, alpha: ArrayLike = 0.05
) -> Values:
    """Half the width of an asymptotic confidence sequence of a mean after `t` observations.

    sigma * sqrt(2 (t rho^2 + 1) / (t^2 rho^2) * ln(sqrt(t rho^2 + 1) / alpha)): theorem 2.2 of
    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024). Two-sided, in the unit of the standard
    deviation `sigma`; `rho` has no unit and is chosen before the data. Raises `ValueError`.
    """
    n, tuned = above_zero("t", t), above_zero("rho", rho)
    deviation, level = finite("sigma", sigma), fraction("alpha", alpha)
    if np.any(deviation < 0):
        raise ValueError(f"sigma: {deviation.min()} is negative")
    spread = n * tuned**2 + 1
    return deviation * np.sqrt(2 * spread * (0.5 * np.log(spread) - np.log(level))) / (n * tuned)


def tightest_rho(t: ArrayLike, alpha: ArrayLike = 0.05) -> Values:
    """The rho that makes the sequence narrowest after `t` observations; this one tunes policies.

    sqrt((-W(-alpha^2 / e) - 1) / t) with Lambert's W on its lower branch: w = -W solves
    w - ln w = 1 - 2 ln(alpha), by Newton's steps. Raises `ValueError`.
    """
    n, level = above_zero("t", t), fraction("alpha", alpha)
    target = 1 - 2 * np.log(level)
    w = target + np.log(target + 1)
    for _ in range(_NEWTON_STEPS):
        w = np.maximum(w - (w - np.log(w) - target) / (1 - 1 / w), 1 + 1e-15)
    return np.asarray(np.sqrt((w - 1) / n))[()]


def tightest_rho_approximate(t: ArrayLike, alpha: ArrayLike = 0.05) -> Values:
    """The closed form near it: sqrt((-2 ln a + ln(1 - 2 ln a)) / t). Raises `ValueError`."""
    n, level = above_zero("t", t), fraction("alpha", alpha)
    logs = -2 * np.log(level)
    return np.asarray(np.sqrt((logs + np.log1p(logs)) / n))[()]


def rate_difference_sequence(
    x_control: ArrayLike,
    n_control: ArrayLike,
    x_canary: ArrayLike,
    n_canary: ArrayLike,
    *,
    rho: ArrayLike,
    alpha: ArrayLike = 0.05,
) -> tuple[Values, Values]:
    """Always-valid bounds of canary's rate minus control's.

    Arms of one size n are seen as n pairs: t = n, sigma^2 = p0 q0 + p1 q1. Arms of different size
    take t = 2 n0 n1 / (n0 + n1) and the same standard error, which for equal sizes is the same.
    Raises `ValueError`, also while neither arm's outcome has varied: nothing is known of sigma.
    """
    x0, n0 = counts("x_control", x_control, "n_control", n_control)
    x1, n1 = counts("x_canary", x_canary, "n_canary", n_canary)
    p0, p1 = x0 / n0, x1 / n1
    variance = p0 * (1 - p0) / n0 + p1 * (1 - p1) / n1
    if np.any(variance == 0):
        raise ValueError("x_control, x_canary: no outcome has varied in either arm yet")
    t = 2 * n0 * n1 / (n0 + n1)
    radius = asymptotic_radius(t, np.sqrt(t * variance), rho, alpha)
    return p1 - p0 - radius, p1 - p0 + radius


def mixture_sprt(
    difference: ArrayLike,
    variance: ArrayLike,
    pairs: ArrayLike,
    tau_squared: ArrayLike,
    *,
    theta0: ArrayLike = 0.0,
    alpha: ArrayLike = 0.05,
) -> MixtureTest:
    """The mixture sequential probability ratio test (Johari, Koomen, Pekelis and Walsh 2022).

    With V the variance of one pair's difference and a normal mixture of variance tau^2:
    sqrt(V / (V + n tau^2)) * exp(n^2 tau^2 (d - theta0)^2 / (2 V (V + n tau^2))). The p-value is
    this moment's, min(1, 1 / ratio); a running one is the least so far. Raises `ValueError`.
    """
    v, n = above_zero("variance", variance), above_zero("pairs", pairs)
    tau2, level = above_zero("tau_squared", tau_squared), fraction("alpha", alpha)
    shift = finite("difference", difference) - finite("theta0", theta0)
    spread = v + n * tau2
    log_ratio = 0.5 * np.log(v / spread) + (n * shift) ** 2 * tau2 / (2 * v * spread)
    p_value = np.exp(-np.maximum(log_ratio, 0.0))
    return MixtureTest(log_ratio[()], p_value[()], np.asarray(p_value <= level)[()])
