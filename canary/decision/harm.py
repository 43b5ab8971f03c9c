"""Harm: the always-valid sequence that may stop a release, and the bounds that alarms watch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from canary.decision.facts import Cell, Facts
from canary.decision.measures import compare, unit_variance
from canary.decision.pairs import Pairs, pairs_of
from canary.policy.compiled import CompiledPolicy, Metric, Trigger
from canary.statistics.confidence_sequence import effect_upper_bound, least_z
from canary.statistics.score_process import Score

__all__ = ["HarmLine", "harm_bound", "harm_bounds", "harm_lines", "oriented_score"]

_LEAST_UNITS = 30


class HarmLine(NamedTuple):
    """One scope's harm sequence: the upper bound of its effect, in the better direction."""

    scope: str
    rejects: bool
    """Whether harm here rejects the candidate; elsewhere it only holds."""
    score: Score
    limit: float
    alpha: float
    rho: float
    """The variance at which the bound is tight."""
    ready: bool
    """Whether both arms have the outcomes that the sequence starts from."""

    @property
    def upper(self) -> float:
        """The bound; most are never asked for, as the effect itself keeps the limit."""
        return effect_upper_bound(self.score, self.alpha, self.rho)

    @property
    def harmed(self) -> bool:
        """Whether the effect is below the limit, whenever one looks."""
        # Most effects are nearer to the limit than any bound could be, which is seen at once.
        near = self.score.z(self.limit) > -least_z(self.alpha)
        return self.ready and not near and self.upper < self.limit


def oriented_score(pairs: Pairs, metric: Metric) -> Score:
    """The score process with its sign turned so that more is better."""
    found = pairs.score
    return found if metric.better == "higher" else found._replace(s=-found.s)


def harm_lines(policy: CompiledPolicy, facts: Facts) -> tuple[HarmLine, ...]:
    """The primary metric's harm sequences: overall, and each intent with its part of alpha.

    Revenue-critical intents share one alpha and reject; the others share another and hold.
    """
    plan = policy.statistics
    metric = policy.metric(plan.primary_metric)
    critical = [intent.name for intent in policy.intents if intent.revenue_critical]
    others = [intent.name for intent in policy.intents if not intent.revenue_critical]
    scopes: list[tuple[str, frozenset[str] | None, bool, float]] = [
        ("overall", None, True, plan.harm_alpha_overall)
    ]
    for names, rejects in ((critical, True), (others, False)):
        scopes += [
            (f"intent:{name}", frozenset({name}), rejects, plan.harm_alpha_revenue / len(names))
            for name in names
        ]
    limit = -plan.margin if plan.hypothesis == "non_inferiority" else 0.0
    rho = plan.harm_min_outcomes * unit_variance(policy, metric)
    everyone = facts.exposure.of(metric.name)
    lines = []
    for scope, strata, rejects, alpha in scopes:
        own = everyone if strata is None else everyone.within(strata)
        found = oriented_score(own, metric)
        lines.append(
            HarmLine(
                scope=scope,
                rejects=rejects,
                score=found,
                limit=limit,
                alpha=alpha,
                rho=rho,
                ready=min(found.n_control, found.n_canary) >= plan.harm_min_outcomes,
            )
        )
    return tuple(lines)


def harm_bound(policy: CompiledPolicy, trigger: Trigger, cells: Iterable[Cell]) -> float | None:
    """The lower bound of harm in the trigger's unit, over one window; positive is harm.

    `None` with fewer than 30 customers in an arm: the metric is then not published.
    """
    metric = policy.metric(trigger.metric)
    pairs = pairs_of(cells, metric.name)
    if min(_units(pairs)) < _LEAST_UNITS:
        return None
    interval = compare(policy, metric, trigger.unit, pairs, trigger.z).interval
    if interval is None:
        return None
    bound = -interval.upper if metric.better == "higher" else interval.lower
    return bound if math.isfinite(bound) else None


def harm_bounds(policy: CompiledPolicy, facts: Facts) -> Mapping[str, float]:
    """By metric, the bound of every harm trigger that has enough data since first exposure."""
    bounds = {
        trigger.metric: harm_bound(policy, trigger, facts.cells)
        for trigger in policy.triggers
        if trigger.statistic == "harm" and not facts.late
    }
    return {metric: bound for metric, bound in bounds.items() if bound is not None}


def _units(pairs: Pairs) -> tuple[float, float]:
    return sum(pair.control.units for pair in pairs), sum(pair.canary.units for pair in pairs)
