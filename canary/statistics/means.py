"""Two means from their moments: Welch's test, and CUPED where a covariate was seen before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from canary.statistics.validation import Values, finite, fraction, not_negative

__all__ = ["Adjusted", "MeanTest", "Moments", "PairedMoments", "cuped", "welch"]

_LEAST = 2.0
"""Fewer observations than this in an arm have no spread."""


@dataclass(frozen=True)
class MeanTest:
    """Canary's mean minus control's in the metric's unit, with t, its df, p-values and interval.

    `informative` is False where neither arm varies: t is then 0, p 1, and the interval a point.
    """

    difference: Values
    standard_error: Values
    t: Values
    df: Values
    p_two_sided: Values
    p_greater: Values
    lower: Values
    upper: Values
    informative: NDArray[np.bool_]


@dataclass(frozen=True)
class Moments:
    """One arm's n, mean, and sample variance (divisor n - 1) in the unit squared."""

    n: ArrayLike
    mean: ArrayLike
    variance: ArrayLike


@dataclass(frozen=True)
class PairedMoments:
    """One arm's n, means and sample (n - 1) variances of outcome y and covariate x."""

    n: ArrayLike
    mean_x: ArrayLike
    mean_y: ArrayLike
    variance_x: ArrayLike
    variance_y: ArrayLike
    covariance: ArrayLike


@dataclass(frozen=True)
class Adjusted:
    """A CUPED result: theta, the adjusted means, Welch's test of them, the variance left over."""

    theta: Values
    mean_control: Values
    mean_canary: Values
    test: MeanTest
    variance_ratio: Values


def welch(control: Moments, canary: Moments, confidence: ArrayLike = 0.95) -> MeanTest:
    """Welch's t test (1947) with the Welch-Satterthwaite degrees of freedom.

    Variances are sample variances (divisor n - 1) in the metric's unit squared; the interval is
    two-sided. Raises `ValueError` for fewer than two observations in an arm, a negative variance,
    anything that is not finite, and a confidence outside 0 to 1.
    """
    n0, n1 = _size("control.n", control.n), _size("canary.n", canary.n)
    v0 = not_negative("control.variance", control.variance) / n0
    v1 = not_negative("canary.variance", canary.variance) / n1
    level = fraction("confidence", confidence)
    difference = finite("canary.mean", canary.mean) - finite("control.mean", control.mean)
    variance, difference = np.broadcast_arrays(v0 + v1, difference)
    informative = variance > 0
    safe = np.where(informative, variance, 1.0)
    # Shares before squares, so that tiny variances do not underflow to 0 / 0.
    spread = (v0 / safe) ** 2 / (n0 - 1) + (v1 / safe) ** 2 / (n1 - 1)
    df = np.where(informative, 1 / np.where(informative, spread, 1.0), n0 + n1 - 2)
    error = np.sqrt(variance)
    t = np.where(informative, difference / np.sqrt(safe), 0.0)
    reach = stdtrit(df, (1 + level) / 2) * error
    p_two = np.where(informative, 2 * stdtr(df, -np.abs(t)), 1.0)
    p_greater = np.where(informative, stdtr(df, -t), 1.0)
    lower, upper = difference - reach, difference + reach
    return MeanTest(
        difference=difference[()],
        standard_error=error,
        t=t[()],
        df=df[()],
        p_two_sided=p_two[()],
        p_greater=p_greater[()],
        lower=lower,
        upper=upper,
        informative=np.asarray(informative)[()],
    )


def cuped(control: PairedMoments, canary: PairedMoments, confidence: float = 0.95) -> Adjusted:
    """Take out what a covariate from before the test explains (Deng, Xu, Kohavi, Walker 2013).

    theta = cov(x, y) / var(x) of both arms put together (sample moments about the common means);
    adjusted y = y - theta * (x - common mean of x), then Welch's test. The covariate must have
    been seen before the arm was drawn. Raises `ValueError` for fewer than two observations in an
    arm, a covariate that does not vary, and moments that no sample has.
    """
    n0, x0, y0, vx0, vy0, c0 = _moments("control", control)
    n1, x1, y1, vx1, vy1, c1 = _moments("canary", canary)
    between = n0 * n1 / (n0 + n1)
    total = n0 + n1 - 1
    var_x = ((n0 - 1) * vx0 + (n1 - 1) * vx1 + between * (x1 - x0) ** 2) / total
    var_y = ((n0 - 1) * vy0 + (n1 - 1) * vy1 + between * (y1 - y0) ** 2) / total
    cov = ((n0 - 1) * c0 + (n1 - 1) * c1 + between * (x1 - x0) * (y1 - y0)) / total
    if np.any(var_x <= 0):
        raise ValueError("variance_x: the covariate does not vary, so it explains nothing")
    theta = cov / var_x
    centre = (n0 * x0 + n1 * x1) / (n0 + n1)
    mean0, mean1 = y0 - theta * (x0 - centre), y1 - theta * (x1 - centre)
    left0 = np.maximum(vy0 - 2 * theta * c0 + theta**2 * vx0, 0.0)
    left1 = np.maximum(vy1 - 2 * theta * c1 + theta**2 * vx1, 0.0)
    test = welch(Moments(n0, mean0, left0), Moments(n1, mean1, left1), confidence)
    explained = np.divide(cov**2, var_x * var_y, out=np.ones_like(cov * var_y), where=var_y > 0)
    ratio = np.maximum(1 - explained, 0.0)
    return Adjusted(theta[()], mean0[()], mean1[()], test, np.asarray(ratio)[()])


def _size(name: str, n: ArrayLike) -> Values:
    size = finite(name, n)
    if np.any(size < _LEAST):
        raise ValueError(f"{name}: {size.min()} is fewer than two observations")
    return size


def _moments(arm: str, moments: PairedMoments) -> tuple[Values, ...]:
    n = _size(f"{arm}.n", moments.n)
    mean_x = finite(f"{arm}.mean_x", moments.mean_x)
    mean_y = finite(f"{arm}.mean_y", moments.mean_y)
    var_x = not_negative(f"{arm}.variance_x", moments.variance_x)
    var_y = not_negative(f"{arm}.variance_y", moments.variance_y)
    cov = finite(f"{arm}.covariance", moments.covariance)
    # Cauchy and Schwarz, with room for the rounding of sums.
    if np.any(cov**2 > var_x * var_y * (1 + 1e-9) + np.finfo(np.float64).tiny):
        raise ValueError(f"{arm}.covariance: {cov} is more than the variances allow")
    return n, mean_x, mean_y, var_x, var_y, cov
