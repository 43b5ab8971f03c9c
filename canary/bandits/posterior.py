"""What is known of the arms' reward rates: P(best), expected loss and intervals, by quadrature.

`canary.statistics.beta_bernoulli` computes the first two with scipy, which functions do not carry;
this needs numpy only, takes many bandits at once, and is tested against it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.panels import BETWEEN
from canary.statistics.validation import Values, fraction, not_negative

__all__ = ["best_chances", "expected_losses", "intervals"]

_SPREADS = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0, 20.0, 32.0, 50])
"""Panel edges on both sides of a mode, in standard deviations of the logit: a posterior of few
rewards falls off exponentially, one of many has nothing beyond ten."""
_EDGES = np.concatenate((-_SPREADS[:0:-1], _SPREADS))
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)


def _from_left(nodes: Values) -> Values:
    """The matrix that turns a function's values at the nodes into its integrals from -1 to each."""
    degrees = np.arange(len(nodes))
    powers = nodes[:, None] ** degrees
    integrals = (nodes[:, None] ** (degrees + 1) - (-1.0) ** (degrees + 1)) / (degrees + 1)
    return np.asarray(integrals @ np.linalg.inv(powers))


_CUMULATE = _from_left(_NODES)


def best_chances(successes: ArrayLike, failures: ArrayLike) -> Values:
    """For each arm (last axis) the probability that its rate is the highest; they sum to 1.

    The prior of each is uniform, Beta(1, 1). Raises `ValueError` without arms, and for counts that
    are negative or not finite.
    """
    grid = _Grid(*_posterior(successes, failures))
    below = grid.below()
    chances = np.stack(
        [
            (grid.mass[..., k, :, :] * _others(below, k)).sum(axis=(-2, -1))
            for k in range(below.shape[-3])
        ],
        axis=-1,
    )
    return np.asarray(chances / chances.sum(axis=-1, keepdims=True))


def expected_losses(successes: ArrayLike, failures: ArrayLike) -> Values:
    """For each arm the rate given up on average by choosing it: E[highest rate] - E[its rate].

    The integral over rates of F_k * (1 - product of the others' F), which does not cancel.
    Arguments and errors as for `best_chances`.
    """
    grid = _Grid(*_posterior(successes, failures), also=BETWEEN)
    below = grid.below()
    step = grid.weights * np.exp(_log_expit(grid.x) + _log_expit(-grid.x))
    losses = [
        (step * below[..., k, :, :] * (1 - _others(below, k))).sum(axis=(-2, -1))
        for k in range(below.shape[-3])
    ]
    return np.stack(losses, axis=-1)


def intervals(successes: ArrayLike, failures: ArrayLike, confidence: float = 0.95) -> Values:
    """Each arm's equal-tailed credible interval, shape (arms, 2), for one bandit.

    Good to a thousandth of the posterior's standard deviation: for people to read.
    """
    outside = (1 - float(fraction("confidence", confidence))) / 2
    grid = _Grid(*_posterior(successes, failures))
    x = grid.x.reshape(-1)
    found = [
        np.interp((outside, 1 - outside), cumulative.reshape(-1), x) for cumulative in grid.below()
    ]
    return np.exp(_log_expit(np.asarray(found)))


def _posterior(successes: ArrayLike, failures: ArrayLike) -> tuple[Values, Values]:
    good, bad = np.broadcast_arrays(
        not_negative("successes", successes), not_negative("failures", failures)
    )
    if good.ndim < 1 or good.shape[-1] < 1:
        raise ValueError("successes: needs at least one arm")
    return good + 1.0, bad + 1.0


def _others(below: Values, k: int) -> Values:
    return np.asarray(np.delete(below, k, axis=-3).prod(axis=-3))


def _log_expit(x: Values) -> Values:
    return -np.logaddexp(0.0, -x)


class _Grid:
    """Panels that follow every arm's posterior on the logit scale, where all are smooth.

    `x` and `weights` have the shape (..., panels, nodes); `mass` (..., arms, panels, nodes) is the
    posterior probability about each node, normalised by its own sum: no constant is needed.
    """

    def __init__(self, alpha: Values, beta: Values, also: Values = BETWEEN[:0]) -> None:
        mode = np.log(alpha) - np.log(beta)
        spread = np.sqrt(1 / alpha + 1 / beta)
        edges = mode[..., None] + spread[..., None] * _EDGES
        edges = edges.reshape(*edges.shape[:-2], -1)
        fixed = np.broadcast_to(also, (*edges.shape[:-1], len(also)))
        edges = np.sort(np.concatenate((edges, fixed), axis=-1), axis=-1)
        self._half = np.diff(edges)[..., None] / 2
        self.x = edges[..., :-1, None] + self._half * (1 + _NODES)
        self.weights = self._half * _WEIGHTS
        a, b = alpha[..., None, None], beta[..., None, None]
        x = self.x[..., None, :, :]
        peak = a * _log_expit(mode[..., None, None]) + b * _log_expit(-mode[..., None, None])
        density = np.exp(a * _log_expit(x) + b * _log_expit(-x) - peak)
        mass = density * self.weights[..., None, :, :]
        scale = mass.sum(axis=(-2, -1), keepdims=True)
        self._density, self.mass = density / scale, mass / scale

    def below(self) -> Values:
        """Each arm's posterior probability of a rate below each node's."""
        panels = self.mass.sum(axis=-1)
        before = np.cumsum(panels, axis=-1) - panels
        within = (self._density @ _CUMULATE.T) * self._half[..., None, :, :]
        return np.asarray(np.clip(before[..., None] + within, 0.0, 1.0))
