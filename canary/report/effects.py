"""Effects by scope for the report: overall, each rate tier pooled, each intent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from canary.decision.effects import Effect, effect_of
from canary.decision.facts import Cell
from canary.decision.measures import compare
from canary.decision.pairs import pairs_of
from canary.policy.compiled import CompiledPolicy, Metric
from canary.statistics.heterogeneity import cochran_q
from canary.statistics.intervals import one_sided_z

__all__ = ["TWO_SIDED", "effect_unit", "forests", "known", "scope_effect", "simple_effect"]

TWO_SIDED = one_sided_z(0.975)
"""Both bounds of a 95% interval."""


def known(value: float | None) -> float | None:
    """A number that JSON can carry: None where it is not finite."""
    return value if value is not None and math.isfinite(value) else None


def effect_unit(metric: Metric) -> str:
    """A rate's effect is in points, another's in the metric's own unit."""
    return "points" if metric.measure == "rate" else "score"


def forests(policy: CompiledPolicy, cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """One forest a metric with data, the primary first: canary minus control, 95% intervals."""
    kept = tuple(cells)
    primary = policy.statistics.primary_metric
    metrics = sorted(policy.metrics, key=lambda metric: metric.name != primary)
    found = [_forest(policy, metric, kept) for metric in metrics if metric.measure != "quantile"]
    return [forest for forest in found if forest["rows"]]


def scope_effect(
    policy: CompiledPolicy, metric: Metric, cells: Iterable[Cell], strata: frozenset[str] | None
) -> dict[str, Any] | None:
    """One scope's effect with a 95% interval of the gates' own kind; None without any data."""
    pairs = pairs_of(cells, metric.name, strata)
    unit = effect_unit(metric)
    found = compare(policy, metric, "points" if unit == "points" else "score", pairs, TWO_SIDED)
    if found.n_control + found.n_canary <= 0:
        return None
    interval = found.interval
    level = effect_of(pairs, metric)
    sign = 1.0 if metric.better == "higher" else -1.0
    return {
        "n_control": found.n_control,
        "n_canary": found.n_canary,
        "control": known(level.control),
        "canary": known(level.control + sign * level.estimate),
        "estimate": known(interval.estimate) if interval else None,
        "lower": known(interval.lower) if interval else None,
        "upper": known(interval.upper) if interval else None,
    }


def simple_effect(found: Effect) -> dict[str, Any]:
    """An effect that the engine has turned so that more is better, with its 95% interval."""
    spread = TWO_SIDED * math.sqrt(found.variance) if found.known else math.nan
    return {
        "n_control": found.n_control,
        "n_canary": found.n_canary,
        "estimate": known(found.estimate),
        "lower": known(found.estimate - spread),
        "upper": known(found.estimate + spread),
    }


def _forest(policy: CompiledPolicy, metric: Metric, cells: tuple[Cell, ...]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for scope, name, strata in _scopes(policy):
        found = scope_effect(policy, metric, cells, strata)
        if found is not None:
            rows.append({"scope": scope, "name": name, **found})
    return {
        "metric": metric.name,
        "role": metric.role,
        "better": metric.better,
        "measure": metric.measure,
        "unit": effect_unit(metric),
        "primary": metric.name == policy.statistics.primary_metric,
        "rows": rows,
        "heterogeneity": _heterogeneity(policy, metric, cells),
    }


def _scopes(policy: CompiledPolicy) -> list[tuple[str, str, frozenset[str] | None]]:
    tiers = dict.fromkeys(intent.rate_tier for intent in policy.intents)
    pools = [
        (
            "tier",
            f"{tier} volume, pooled",
            frozenset(i.name for i in policy.intents if i.rate_tier == tier),
        )
        for tier in tiers
    ]
    intents = [("intent", i.name, frozenset({i.name})) for i in policy.intents]
    return [("overall", "all intents", None), *pools, *intents]


def _heterogeneity(
    policy: CompiledPolicy, metric: Metric, cells: tuple[Cell, ...]
) -> Mapping[str, float | int] | None:
    """Cochran's Q over intents: shown, never decided on."""
    effects = [
        effect_of(pairs_of(cells, metric.name, {intent.name}), metric) for intent in policy.intents
    ]
    usable = [each for each in effects if each.known]
    if len(usable) < 2:  # noqa: PLR2004 - one intent cannot differ
        return None
    found = cochran_q([each.estimate for each in usable], [each.variance for each in usable])
    return {"q": float(found.q), "df": found.df, "p": float(found.p_value)}
