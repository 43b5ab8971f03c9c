"""Outcomes by hour, kept as what was drawn: the six sums of a decision are made when asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from canary.simulation.telemetry import Counts

__all__ = ["Hourly", "of_turns", "once_each", "per_customer", "yes_or_no"]

_SIX = np.eye(6)
_ONCE = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float64)
_YES = np.array([[1, 0], [1, 0], [0, 1], [1, 0], [0, 1], [0, 1]], np.float64)
_N, _Y, _YY = 1, 2, 5


@dataclass(frozen=True)
class Hourly:
    """A metric's columns by arm, hour and intent: (columns, 2, hours, intents).

    `weights` (6, columns) makes of them units, n, y, nn, ny and yy.
    """

    columns: Counts
    weights: Counts

    def total(self, first: int, last: int) -> Counts:
        """The six sums over hours `first` to `last` - 1, by arm and intent: (6, 2, intents)."""
        return self._weighted(self.weights, self.columns[:, :, first:last].sum(axis=2))

    def by_hour(self, first: int, last: int) -> Counts:
        """The six sums hour by hour: (6, 2, hours, intents)."""
        return self._weighted(self.weights, self.columns[:, :, first:last])

    def outcomes(self, hours: int) -> Counts:
        """n, y and the sum of squares of the first `hours`: (3, 2, hours, intents)."""
        return self._weighted(self.weights[[_N, _Y, _YY]], self.columns[:, :, :hours])

    def _weighted(self, weights: Counts, part: Counts) -> Counts:
        if self.weights is _SIX:
            return part if weights is _SIX else part[[_N, _Y, _YY]]
        return np.asarray(weights @ part.reshape(len(part), -1)).reshape(-1, *part.shape[1:])


def per_customer(sums: Counts) -> Hourly:
    """Of the six sums themselves, (6, 2, hours, intents)."""
    return Hourly(sums, _SIX)


def once_each(n: Counts, y: Counts, yy: Counts) -> Hourly:
    """Of outcomes that a customer has once: how many, their sum, and that of their squares."""
    return Hourly(np.stack([n, y, yy]), _ONCE)


def yes_or_no(n: Counts, y: Counts) -> Hourly:
    """Of outcomes that a customer has once, 0 or 1 each."""
    return Hourly(np.stack([n, y]), _YES)


def of_turns(conversations: Counts, counts: Counts, turns: float) -> Hourly:
    """Of turns: a conversation has `turns` of them, and two that count are seldom in one."""
    weights = [[1, 0], [turns, 0], [0, 1], [turns * turns, 0], [0, turns], [0, 1]]
    return Hourly(np.stack([conversations, counts]), np.array(weights, np.float64))
