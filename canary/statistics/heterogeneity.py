"""Do effects differ between strata, days, intents: by differences and their variances."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.chi_square import chi_square_upper_tail
from canary.statistics.validation import Values, above_zero, finite

__all__ = ["Heterogeneity", "QualitativeInteraction", "cochran_q", "gail_simon"]

_LEAST = 2


@dataclass(frozen=True)
class Heterogeneity:
    """The fixed-effect mean, Cochran's Q about it, its degrees of freedom and p-value, and I^2."""

    effect: Values
    q: Values
    df: int
    p_value: Values
    i_squared: Values


@dataclass(frozen=True)
class QualitativeInteraction:
    """Sums of squared z of the effects above 0 and below 0, the smaller one, and its p-value."""

    above: Values
    below: Values
    statistic: Values
    p_value: Values


def cochran_q(effects: ArrayLike, variances: ArrayLike) -> Heterogeneity:
    """Q = sum((d_i - d)^2 / v_i) about the inverse-variance mean (Cochran 1954), df = K - 1.

    The last axis holds the strata. Another scale (odds) gives another p-value: see
    `canary.statistics.odds`. Raises `ValueError` for fewer than two strata, a variance not above
    0, or anything not finite.
    """
    d, weight = _strata(effects, variances)
    mean = (weight * d).sum(axis=-1) / weight.sum(axis=-1)
    q = (weight * (d - mean[..., None]) ** 2).sum(axis=-1)
    df = d.shape[-1] - 1
    excess = np.divide(q - df, q, out=np.zeros_like(q), where=q > df)
    return Heterogeneity(mean[()], q[()], df, chi_square_upper_tail(q, df)[()], excess[()])


def gail_simon(effects: ArrayLike, variances: ArrayLike) -> QualitativeInteraction:
    """Does the effect change its sign between strata (Gail and Simon 1985)?

    Q+ and Q- sum d^2 / v over effects of one sign; H = min(Q+, Q-), and p = sum over k from 1 to
    K - 1 of Binomial(k; K - 1, 1/2) * P(chi-square with k df > H). All effects of one sign give
    p = 1. The last axis holds the strata. Raises `ValueError` as `cochran_q` does.
    """
    d, weight = _strata(effects, variances)
    squared = weight * d**2
    above = np.where(d > 0, squared, 0.0).sum(axis=-1)
    below = np.where(d < 0, squared, 0.0).sum(axis=-1)
    least = np.minimum(above, below)
    others = d.shape[-1] - 1
    p_value = np.zeros_like(least)
    for k in range(1, others + 1):
        # As logarithms: the power of two overflows beyond a thousand strata.
        share = math.exp(_log_choose(others, k) - others * math.log(2))
        p_value = p_value + share * chi_square_upper_tail(least, k)
    p_value = np.where(least > 0, np.minimum(p_value, 1.0), 1.0)
    return QualitativeInteraction(above[()], below[()], least[()], p_value[()])


def _strata(effects: ArrayLike, variances: ArrayLike) -> tuple[Values, Values]:
    d, v = np.broadcast_arrays(finite("effects", effects), above_zero("variances", variances))
    if d.ndim < 1 or d.shape[-1] < _LEAST:
        raise ValueError("effects: needs at least two strata")
    return np.asarray(d, dtype=np.float64), 1 / v


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
