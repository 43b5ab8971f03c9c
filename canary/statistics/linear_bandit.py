"""LinUCB with one linear model for each arm (Li, Chu, Langford and Schapire 2010, algorithm 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from canary.statistics.validation import Values, above_zero, finite, not_negative

__all__ = ["LinearArm", "Score"]


@dataclass(frozen=True)
class Score:
    """An arm's coefficients and the upper bound of its reward in the context asked about."""

    theta: Values
    upper: float


class LinearArm:
    """What one arm has learned: A = ridge * I + sum of x x', b = sum of reward * x.

    Raises `ValueError` for a dimension below 1, a ridge not above 0, and contexts of another
    dimension or not finite.
    """

    def __init__(self, dimension: int, ridge: float = 1.0) -> None:
        if dimension < 1 or dimension != int(dimension):
            raise ValueError(f"dimension: {dimension} is not a whole number above 0")
        self._a = float(above_zero("ridge", ridge)) * np.eye(int(dimension))
        self._b = np.zeros(int(dimension))

    def learn(self, x: ArrayLike, reward: float) -> None:
        """Take in one context and what it brought."""
        context = self._context(x)
        gain = float(finite("reward", reward))
        self._a = self._a + np.outer(context, context)
        self._b = self._b + gain * context

    def score(self, x: ArrayLike, alpha: float) -> Score:
        """Coefficients theta = A^-1 b; upper = theta'x + alpha * sqrt(x' A^-1 x)."""
        context = self._context(x)
        breadth = float(not_negative("alpha", alpha))
        theta = np.asarray(np.linalg.solve(self._a, self._b), dtype=np.float64)
        spread = float(context @ np.linalg.solve(self._a, context))
        return Score(theta, float(theta @ context) + breadth * max(0.0, spread) ** 0.5)

    def _context(self, x: ArrayLike) -> Values:
        context = finite("x", x)
        if context.shape != self._b.shape:
            raise ValueError(f"x: has shape {context.shape}, not {self._b.shape}")
        return context
