"""What a contextual arm has learned, as sums that can be stored, and LinUCB's choice from them.

`canary.statistics.linear_bandit` learns one context at a time and keeps its sums to itself; a
bandit's state is read and written between batches. Tests hold the two to each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.normal import lower_tail
from canary.statistics.validation import Values, finite

__all__ = ["LinearModel", "LinearSums", "chosen", "expected_losses"]

_TIE = 1e-12
_EDGES = np.array([-8.0, -5.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 5.0, 8.0])
"""Of panels, in standard deviations."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


@dataclass(frozen=True)
class LinearSums:
    """Over an arm's decisions: n, sum of x x' (row by row) and sum of reward * x.

    Raises `ValueError` for sums of different dimensions.
    """

    n: int
    outer: tuple[tuple[float, ...], ...]
    gain: tuple[float, ...]

    def __post_init__(self) -> None:
        if {len(row) for row in self.outer} != {len(self.gain)} or len(self.outer) != len(
            self.gain
        ):
            raise ValueError(f"outer: is not {len(self.gain)} by {len(self.gain)}")

    @classmethod
    def empty(cls, dimension: int) -> LinearSums:
        """Nothing learned."""
        return cls(0, ((0.0,) * dimension,) * dimension, (0.0,) * dimension)

    def plus(self, contexts: ArrayLike, rewards: ArrayLike) -> LinearSums:
        """With more decisions: contexts of shape (decisions, dimension), as many rewards."""
        x, y = finite("contexts", contexts), finite("rewards", rewards)
        if x.shape != (len(y), len(self.gain)):
            raise ValueError(f"contexts: has shape {x.shape}, not {(len(y), len(self.gain))}")
        outer = np.asarray(self.outer) + x.T @ x
        gain = np.asarray(self.gain) + x.T @ y
        return LinearSums(
            self.n + len(y), tuple(tuple(row) for row in outer.tolist()), tuple(gain.tolist())
        )


@dataclass(frozen=True)
class LinearModel:
    """What arms have learned, solved: `theta` (arms, dimension), `inverse` (arms, d, d) is A^-1."""

    theta: Values
    inverse: Values

    @classmethod
    def of(cls, arms: tuple[LinearSums, ...], ridge: float) -> LinearModel:
        """With A = ridge * I + sum of x x', theta = A^-1 * sum of reward * x."""
        gains = np.array([arm.gain for arm in arms])
        inverse = np.linalg.inv(
            np.array([arm.outer for arm in arms]) + ridge * np.eye(gains.shape[-1])
        )
        return cls((inverse @ gains[..., None])[..., 0], np.asarray(inverse, dtype=np.float64))

    def predictions(self, contexts: ArrayLike) -> tuple[Values, Values]:
        """Each arm's theta'x and sqrt(x' A^-1 x).

        `contexts` has the shape (..., dimension), both results (..., arms).
        """
        x = finite("contexts", contexts)
        variance = ((self.inverse @ x[..., None, :, None])[..., 0] * x[..., None, :]).sum(axis=-1)
        return x @ self.theta.T, np.sqrt(np.maximum(variance, 0.0))

    def upper_bounds(self, x: Values, breadth: float) -> Values:
        """Each arm's theta'x + breadth * sqrt(x' A^-1 x) in one context."""
        mean, spread = self.predictions(x)
        return np.asarray(mean + breadth * spread)


def chosen(bounds: ArrayLike) -> Values:
    """The probability of each arm to be LinUCB's choice: 1, or the same for all that tie."""
    upper = finite("bounds", bounds)
    best = upper >= upper.max() - _TIE
    return np.asarray(best / best.sum())


def expected_losses(
    arms: tuple[LinearSums, ...], contexts: ArrayLike, *, ridge: float, noise: float
) -> Values:
    """In each context (row), the reward given up by choosing each arm (column).

    An arm's mean reward is normal about theta'x with the deviation `noise` * sqrt(x' A^-1 x),
    `noise` being the standard deviation of one reward; the loss is the integral of
    F_k * (1 - product of the others' F). `contexts` has the shape (contexts, dimension); raises
    `ValueError` for another.
    """
    x = finite("contexts", contexts)
    if x.ndim != 2 or len(x) == 0:  # noqa: PLR2004  # a table
        raise ValueError(f"contexts: has shape {x.shape}, not (contexts, dimension)")
    mean, spread = LinearModel.of(arms, ridge).predictions(x)
    spread = noise * spread
    edges = (mean[..., None] + spread[..., None] * _EDGES).reshape(len(x), -1)
    edges.sort(axis=-1)
    half = np.diff(edges)[..., None] / 2
    at = (edges[:, :-1, None] + half * (1 + _NODES))[:, None]
    wide = np.maximum(spread, np.finfo(np.float64).tiny)[..., None, None]
    below = lower_tail((at - mean[..., None, None]) / wide)
    losses = []
    for k in range(len(arms)):
        others = np.delete(below, k, axis=1).prod(axis=1)
        losses.append((half * _WEIGHTS * below[:, k] * (1 - others)).sum(axis=(-2, -1)))
    return np.stack(losses, axis=-1)
