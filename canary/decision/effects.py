"""The effect within a part of the data, turned so that more is better."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from statistics import NormalDist
from typing import NamedTuple

from canary.decision.facts import Cell
from canary.decision.pairs import Pairs, pairs_of
from canary.policy.compiled import Metric

__all__ = ["Effect", "effect_in", "effect_of"]

_NORMAL = NormalDist()


class Effect(NamedTuple):
    """Canary minus control over strata, with its cluster-robust variance; positive is better.

    `control` is the control's own weighted mean, `relative_variance` that of canary over control.
    """

    estimate: float
    variance: float
    control: float
    relative_variance: float
    n_control: float
    n_canary: float

    @property
    def known(self) -> bool:
        """Whether there is an effect with a spread."""
        return math.isfinite(self.estimate) and 0 < self.variance < math.inf

    @property
    def z(self) -> float:
        """Standard errors away from none; 0 where nothing is known."""
        return self.estimate / math.sqrt(self.variance) if self.known else 0.0

    @property
    def p_harmed(self) -> float:
        """One-sided p-value against "not harmed"."""
        return _NORMAL.cdf(self.z) if self.known else 1.0

    @property
    def p_helped(self) -> float:
        """One-sided p-value against "not helped"."""
        return _NORMAL.cdf(-self.z) if self.known else 1.0


def effect_in(
    cells: Iterable[Cell], metric: Metric, strata: Collection[str] | None = None
) -> Effect:
    """The effect on `metric` over the cells, within `strata` if given."""
    return effect_of(pairs_of(cells, metric.name, strata), metric)


def effect_of(pairs: Pairs, metric: Metric) -> Effect:
    """The effect over strata, weighted by n1 * n0 / N in both arms alike; nothing known is NaN."""
    sizes = pairs.n_control, pairs.n_canary
    arms = pairs.arms
    if arms is None:
        return Effect(math.nan, math.inf, math.nan, math.inf, *sizes)
    control, canary = arms
    sign = 1.0 if metric.better == "higher" else -1.0
    relative = math.inf
    if control.estimate > 0:
        relative = canary.variance / control.estimate**2
        relative += canary.estimate**2 * control.variance / control.estimate**4
    return Effect(
        sign * (canary.estimate - control.estimate),
        control.variance + canary.variance,
        control.estimate,
        relative,
        *sizes,
    )
