"""The effect within a part of the data, turned so that more is better."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from statistics import NormalDist

from canary.decision.facts import Cell
from canary.decision.measures import pairs_of
from canary.policy.compiled import Metric
from canary.statistics.ratio_metric import ratio_of
from canary.statistics.score_process import Pair

__all__ = ["Effect", "effect_in", "effect_of"]

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Effect:
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


def effect_of(pairs: Iterable[Pair], metric: Metric) -> Effect:
    """Strata are weighted by n1 * n0 / N in both arms alike; nothing known is NaN."""
    kept = tuple(pairs)
    sizes = sum(pair.control.n for pair in kept), sum(pair.canary.n for pair in kept)
    weights = [(pair.weight, pair) for pair in kept if pair.weight > 0]
    whole = sum(weight for weight, _ in weights)
    if whole <= 0:
        return Effect(math.nan, math.inf, math.nan, math.inf, *sizes)
    parts = [(w / whole, ratio_of(pair.control), ratio_of(pair.canary)) for w, pair in weights]
    control = sum(w * c.estimate for w, c, _ in parts)
    canary = sum(w * t.estimate for w, _, t in parts)
    v_control = sum(w * w * c.variance for w, c, _ in parts)
    v_canary = sum(w * w * t.variance for w, _, t in parts)
    sign = 1.0 if metric.better == "higher" else -1.0
    relative = math.inf
    if control > 0:
        relative = v_canary / control**2 + canary**2 * v_control / control**4
    return Effect(sign * (canary - control), v_control + v_canary, control, relative, *sizes)
