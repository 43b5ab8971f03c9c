"""One arm's week: what the guardrails compare."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from canary.statistics.ratio_metric import Ratio, Totals, ratio_of, total

__all__ = ["Moments", "Week", "Weighted", "cluster", "pooled"]


class Moments(NamedTuple):
    """Count, sum and sum of squares of quality scores."""

    n: int = 0
    sum: float = 0.0
    squares: float = 0.0

    def plus(self, values: Iterable[float]) -> Moments:
        """With more scores."""
        n, added, squares = self
        for value in values:
            n, added, squares = n + 1, added + value, squares + value * value
        return Moments(n, added, squares)

    @property
    def mean(self) -> float:
        """NaN without scores."""
        return self.sum / self.n if self.n else math.nan

    @property
    def error(self) -> float:
        """The mean's standard error, infinite below two scores."""
        if self.n < 2:  # noqa: PLR2004  # one score says nothing about its spread
            return math.inf
        around = max(0.0, self.squares - self.sum * self.mean)
        return math.sqrt(around / (self.n - 1) / self.n)


class Weighted(NamedTuple):
    """A decision's customer, whether it was rewarded, and one over its probability."""

    unit_id: str
    success: bool
    weight: float


class Week(NamedTuple):
    """An arm's decisions of a week: how many, their weighted sums over customers, their scores.

    Each decision weighs one over its probability: while an allocation moves, an arm meets more of
    the customers of some days than of others, and its plain mean would move with them.
    """

    decisions: int = 0
    sums: Totals = Totals()
    quality: Moments = Moments()

    def plus(self, decisions: Iterable[Weighted], scores: Iterable[float]) -> Week:
        """With a batch's decisions and scores."""
        more = list(decisions)
        return Week(
            self.decisions + len(more),
            total((self.sums, cluster(more))),
            self.quality.plus(scores),
        )

    @property
    def rate(self) -> Ratio:
        """The reward rate with its cluster-robust variance."""
        return ratio_of(self.sums)


def cluster(decisions: Iterable[Weighted]) -> Totals:
    """Sums over customers of weight n and weighted successes y.

    A customer who comes back in another batch counts as another one: a state that remembered them
    all would grow with them.
    """
    customers: dict[str, tuple[float, float]] = {}
    for unit_id, success, weight in decisions:
        n, y = customers.get(unit_id, (0.0, 0.0))
        customers[unit_id] = (n + weight, y + weight * success)
    return total(Totals(1.0, n, y, n * n, n * y, y * y) for n, y in customers.values())


def pooled(quality: Iterable[Moments]) -> Moments:
    """The scores of several weeks together."""
    n, added, squares = 0, 0.0, 0.0
    for each in quality:
        n, added, squares = n + each.n, added + each.sum, squares + each.squares
    return Moments(n, added, squares)
