"""Which arm has the highest rate, from Beta posteriors, by quadrature instead of simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv, betaln, expit, log_expit

from canary.statistics.panels import BETWEEN
from canary.statistics.validation import Values, above_zero

__all__ = ["Beta", "expected_losses", "probability_best", "probability_better"]

_LEVELS = np.concatenate(
    ([1e-18, 1e-14, 1e-11, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2], np.linspace(0.05, 0.95, 19))
)
_UPPER = _LEVELS[:8][::-1]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True)
class Beta:
    """A posterior of a rate: successes and failures, each with its prior count, above 0."""

    alpha: float
    beta: float

    def __post_init__(self) -> None:
        above_zero("alpha", self.alpha)
        above_zero("beta", self.beta)

    @property
    def mean(self) -> float:
        """The expected rate, alpha / (alpha + beta)."""
        return self.alpha / (self.alpha + self.beta)


def probability_best(arms: Sequence[Beta]) -> Values:
    """For each arm the probability that its rate is the highest; they sum to 1.

    The integral of f_k * product of the others' F, on the logit scale, where every Beta density
    is smooth and falls off on both sides; panels follow all arms' quantiles. Raises `ValueError`
    without arms.
    """
    if not arms:
        raise ValueError("arms: needs at least one")
    x, weights = _grid(arms)
    below = np.array([betainc(arm.alpha, arm.beta, expit(x)) for arm in arms])
    chances = []
    for index, arm in enumerate(arms):
        others = np.delete(below, index, axis=0).prod(axis=0)
        chances.append(float((weights * _density(arm, x) * others).sum()))
    total = np.asarray(chances)
    return np.asarray(total / total.sum())


def probability_better(control: Beta, canary: Beta) -> float:
    """P(canary's rate > control's)."""
    return float(probability_best([control, canary])[1])


def expected_losses(control: Beta, canary: Beta) -> tuple[float, float]:
    """The rate given up on average by choosing canary, and by choosing control.

    E[max(control - canary, 0)] = mean0 * P(control+ > canary) - mean1 * P(control > canary+), with
    "+" one more success (Stucchio 2015); computed as the integral of F1 (1 - F0), which does not
    cancel, and its mirror image.
    """
    x, weights = _grid([control, canary], also=BETWEEN)
    rate = expit(x)
    step = weights * np.exp(log_expit(x) + log_expit(-x))
    f0, f1 = (betainc(arm.alpha, arm.beta, rate) for arm in (control, canary))
    s0, s1 = (betainc(arm.beta, arm.alpha, expit(-x)) for arm in (control, canary))
    return float((step * f1 * s0).sum()), float((step * f0 * s1).sum())


def _density(arm: Beta, x: Values) -> Values:
    """The density of the logit of the rate."""
    logs = arm.alpha * log_expit(x) + arm.beta * log_expit(-x) - betaln(arm.alpha, arm.beta)
    return np.asarray(np.exp(logs))


def _grid(arms: Sequence[Beta], also: Values = BETWEEN[:0]) -> tuple[Values, Values]:
    edges = np.unique(np.concatenate([also, *(_quantiles(arm) for arm in arms)]))
    half = np.diff(edges) / 2
    x = (edges[:-1] + half)[:, None] + half[:, None] * _NODES
    return x.ravel(), (half[:, None] * _WEIGHTS).ravel()


def _quantiles(arm: Beta) -> Values:
    """Logits of quantiles; the lower and upper halves each from the side that has digits."""
    low = betaincinv(arm.alpha, arm.beta, _LEVELS)
    high = betaincinv(arm.beta, arm.alpha, _UPPER)
    tiny = np.finfo(np.float64).tiny
    below = np.log(np.maximum(low, tiny)) - np.log1p(-np.minimum(low, 1 - 1e-16))
    above = np.log1p(-np.minimum(high, 1 - 1e-16)) - np.log(np.maximum(high, tiny))
    return np.concatenate((below, above))
