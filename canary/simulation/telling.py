"""Which gates of a block could hold the release, found in arrays before any verdict is made.

Most gates of a stage guard intents and tiers one by one and must only not fail. An interval holds
its own estimate, so where every part's estimate keeps the limit none can fail, and such a gate
decides nothing: a test compares releases judged so with releases judged by every gate.
"""

from __future__ import annotations

import functools

import numpy as np

from canary.policy.compiled import CompiledPolicy, Gate, Intent, Metric
from canary.simulation.history import History
from canary.simulation.telemetry import CANARY, CONTROL, Counts

__all__ = ["telling_gates"]

_ROUNDING = 1e-9


def telling_gates(history: History, stage: int, since: float, now: float) -> tuple[Gate, ...]:
    """The gates of `stage` that the block from `since` to `now` must be judged by."""
    arms: dict[str, Counts | None] = {}
    telling = []
    for gate in history.policy.gates:
        if gate.stage != stage:
            continue
        if gate.kind != "must_pass" and gate.scope != "overall":
            metric = history.policy.metric(gate.metric)
            if metric.name not in arms:
                arms[metric.name] = _arms(history, metric, since, now)
            if not _may_fail(history.policy, gate, metric, arms[metric.name]):
                continue
        telling.append(gate)
    return tuple(telling)


def _arms(history: History, metric: Metric, since: float, now: float) -> Counts | None:
    """By intent the weight, and weight times rate of control and canary: (3, intents)."""
    sums = None if metric.source == "detector" else history.sums(metric, since, now)
    if sums is None:
        return None  # no data of it by intent
    units, n, y = sums[:3]
    weight = n[CONTROL] * n[CANARY] / np.maximum(n.sum(axis=0), 1.0)
    weight = np.where(units.min(axis=0) > 1, weight, 0.0)
    return np.stack([weight, *(weight * y / np.maximum(n, 1.0))])


def _may_fail(policy: CompiledPolicy, gate: Gate, metric: Metric, arms: Counts | None) -> bool:
    if arms is None:
        return False
    whole, control, canary = arms @ _members(policy.intents, gate.scope)
    # Effects times the weight, against the limit times the weight: nothing is divided by nothing.
    reference = control if gate.unit == "relative" else whole
    beyond = (canary - control) - gate.limit * reference
    if metric.better == "higher":
        beyond = -beyond
    return bool(np.any((whole > 0) & (beyond > -_ROUNDING * whole)))


@functools.lru_cache(maxsize=32)
def _members(intents: tuple[Intent, ...], scope: str) -> Counts:
    """Which intents belong to each of the scope's parts, 1 or 0: (intents, parts)."""
    if scope == "tier":
        tiers = dict.fromkeys(intent.rate_tier for intent in intents)
        return np.array([[each.rate_tier == tier for tier in tiers] for each in intents], float)
    kept = [scope == "intent" or each.revenue_critical for each in intents]
    return np.eye(len(intents))[:, kept]
