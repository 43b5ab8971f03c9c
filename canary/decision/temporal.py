"""Does the effect hold on every day of the week, inside and outside promotions, and over time?

All three read the last test stage only, where both arms are alike in size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from canary.decision.effects import Effect, effect_in, effect_of
from canary.decision.facts import Cell
from canary.decision.pairs import pairs_of
from canary.policy.compiled import CompiledPolicy
from canary.statistics.heterogeneity import gail_simon
from canary.statistics.novelty import novelty_contrast

__all__ = ["Interaction", "Novelty", "interactions", "novelty"]

_LEAST_OUTCOMES = 100


@dataclass(frozen=True)
class Interaction:
    """One scope: do the groups' effects truly point in opposite directions?"""

    scope: str
    p: float
    effects: Mapping[str, float]
    """By group, for people to see; a single negative group proves nothing."""


@dataclass(frozen=True)
class Novelty:
    """The effect on a customer's first two days against that from the fifth on."""

    early: float
    late: float
    z_early: float
    z_decay: float
    found: bool
    """Whether there was an effect at first, of which more than half has gone."""


def interactions(
    policy: CompiledPolicy, groups: Mapping[str, Iterable[Cell]]
) -> tuple[Interaction, ...]:
    """Gail and Simon's test of a qualitative interaction: overall and by revenue-critical intent.

    Groups without enough outcomes are left out; with fewer than two there is nothing to test.
    """
    metric = policy.metric(policy.statistics.primary_metric)
    everyone = {name: pairs_of(cells, metric.name) for name, cells in sorted(groups.items())}
    scopes: list[tuple[str, frozenset[str] | None]] = [("overall", None)]
    scopes += [
        (f"intent:{intent.name}", frozenset({intent.name}))
        for intent in policy.intents
        if intent.revenue_critical
    ]
    found = []
    for scope, strata in scopes:
        effects = {
            name: effect_of(pairs if strata is None else pairs.within(strata), metric)
            for name, pairs in everyone.items()
        }
        enough = {name: each for name, each in effects.items() if _enough(each)}
        if len(enough) > 1:
            test = gail_simon(
                [each.estimate for each in enough.values()],
                [each.variance for each in enough.values()],
            )
            found.append(
                Interaction(scope, float(test.p_value), {n: e.estimate for n, e in enough.items()})
            )
    return tuple(found)


def novelty(policy: CompiledPolicy, groups: Mapping[str, Iterable[Cell]]) -> Novelty | None:
    """Late minus half of early, by days since a customer's first exposure; None without both."""
    metric = policy.metric(policy.statistics.primary_metric)
    early, late = (effect_in(tuple(groups.get(name, ())), metric) for name in ("early", "late"))
    if not (_enough(early) and _enough(late)):
        return None
    test = novelty_contrast(early.estimate, early.variance, late.estimate, late.variance)
    z_early, z_decay = float(test.early_z), float(test.z)
    return Novelty(early.estimate, late.estimate, z_early, z_decay, found=bool(test.novelty))


def _enough(found: Effect) -> bool:
    return found.known and min(found.n_control, found.n_canary) >= _LEAST_OUTCOMES
