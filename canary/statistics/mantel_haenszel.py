"""One difference of rates from many strata: Mantel-Haenszel, inverse variance, post-stratified."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.normal import two_sided, upper_tail, upper_tail_quantile
from canary.statistics.strata import Strata
from canary.statistics.validation import Values, fraction, not_negative

__all__ = ["Combined", "inverse_variance", "mantel_haenszel", "post_stratified_difference"]


@dataclass(frozen=True)
class Combined:
    """A difference (fraction), its standard error, z, p-values and two-sided interval.

    Without any variance z is 0 and the p-values are 1: nothing is known, nothing is claimed.
    """

    difference: Values
    standard_error: Values
    z: Values
    p_two_sided: Values
    p_greater: Values
    lower: Values
    upper: Values


def mantel_haenszel(strata: Strata, confidence: ArrayLike = 0.95) -> Combined:
    """Weights n1 n0 / N; variance by Sato, Greenland and Robins (1989).

    d = sum((x1 n0 - x0 n1) / N) / R with R = sum(n1 n0 / N);
    var = (d * sum((n1^2 x0 - n0^2 x1 + n1 n0 (n0 - n1) / 2) / N^2)
    + sum((x1 (n0 - x0) + x0 (n1 - x1)) / (2 N))) / R^2: consistent for few large strata and for
    many small ones. Raises `ValueError` through `Strata` and for a confidence outside 0 to 1.
    """
    known = strata.informative
    x0, n0, x1, n1 = (cell * known for cell in strata.cells)
    total = np.where(known > 0, n0 + n1, 1.0)
    weight = (n1 * n0 / total).sum(axis=-1)
    difference = ((x1 * n0 - x0 * n1) / total).sum(axis=-1) / weight
    p = ((n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2) / total**2).sum(axis=-1)
    q = ((x1 * (n0 - x0) + x0 * (n1 - x1)) / (2 * total)).sum(axis=-1)
    variance = np.maximum(difference * p + q, 0.0) / weight**2
    return _combined(difference, variance, confidence)


def inverse_variance(strata: Strata, confidence: ArrayLike = 0.95) -> Combined:
    """The fixed-effect mean, weights 1 / (p0 q0 / n0 + p1 q1 / n1) (Cochran 1954).

    Its weights follow the outcomes, so it is biased in small strata: for heterogeneity, not for
    decisions. Raises `ValueError` when a stratum with both arms has no variance at all.
    """
    p0, p1, variance = strata.rates()
    known = strata.informative > 0
    if np.any(known & (variance == 0)):
        raise ValueError("x_control, x_canary: a stratum in which nothing varies has no weight")
    weight = np.divide(1.0, variance, out=np.zeros_like(variance), where=known & (variance > 0))
    total = weight.sum(axis=-1)
    return _combined((weight * (p1 - p0)).sum(axis=-1) / total, 1 / total, confidence)


def post_stratified_difference(
    strata: Strata, weights: ArrayLike | None = None, confidence: ArrayLike = 0.95
) -> Combined:
    """The difference if strata came in the shares of `weights`, unpooled variance.

    d = sum(w_s (p1s - p0s)), var = sum(w_s^2 var_s), w summing to 1 over the strata with both
    arms; by default each stratum's own size (Holt and Smith 1979). Raises `ValueError` for
    negative weights and when all weight lies on strata without both arms.
    """
    p0, p1, variance = strata.rates()
    size = strata.cells[1] + strata.cells[3]
    given = size if weights is None else not_negative("weights", weights)
    used = given * strata.informative
    total = used.sum(axis=-1, keepdims=True)
    if np.any(total == 0):
        raise ValueError("weights: no stratum with weight has both arms")
    share = used / total
    difference = (share * (p1 - p0)).sum(axis=-1)
    return _combined(difference, (share**2 * variance).sum(axis=-1), confidence)


def _combined(difference: Values, variance: Values, confidence: ArrayLike) -> Combined:
    level = upper_tail_quantile((1 - fraction("confidence", confidence)) / 2)
    error = np.sqrt(variance)
    varies = error > 0
    z = np.where(varies, difference / np.where(varies, error, 1.0), 0.0)[()]
    p_greater = np.where(varies, upper_tail(z), 1.0)[()]
    spread = level * error
    return Combined(
        difference[()],
        error[()],
        z,
        two_sided(z)[()],
        p_greater,
        difference - spread,
        difference + spread,
    )
