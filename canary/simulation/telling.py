"""Which gates of a block could hold the release, found in arrays before any verdict is made.

Most gates of a stage guard intents and tiers one by one and must only not fail. An interval holds
its own estimate, so where every part's estimate keeps the limit none can fail, and such a gate
decides nothing: a test compares releases judged so with releases judged by every gate.
"""

from __future__ import annotations

import numpy as np

from canary.policy.compiled import CompiledPolicy, Gate
from canary.simulation.history import History
from canary.simulation.telemetry import CANARY, CONTROL, Counts

__all__ = ["telling_gates"]

_ROUNDING = 1e-9


def telling_gates(history: History, stage: int, since: float, now: float) -> tuple[Gate, ...]:
    """The gates of `stage` that the block from `since` to `now` must be judged by."""
    return tuple(
        gate
        for gate in history.policy.gates
        if gate.stage == stage and _may_tell(history, gate, since, now)
    )


def _may_tell(history: History, gate: Gate, since: float, now: float) -> bool:
    if gate.kind == "must_pass" or gate.scope == "overall":
        return True
    metric = history.policy.metric(gate.metric)
    if metric.source == "detector":
        return False  # the detector's turns have no intent
    sums = history.sums(metric, since, now)
    if sums is None:
        return False
    units, n, y = sums[:3]
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.nan_to_num(n[CONTROL] * n[CANARY] / n.sum(axis=0))
        weight = np.where(units.min(axis=0) > 1, weight, 0.0)
        rate = np.nan_to_num(y / n)
        parts = _members(history.policy, gate) * weight
        control, canary = ((parts * each).sum(axis=1) / parts.sum(axis=1) for each in rate)
        effect = canary / control - 1 if gate.unit == "relative" else canary - control
    if metric.better == "higher":
        return bool(np.any(effect < gate.limit + _ROUNDING))
    return bool(np.any(effect > gate.limit - _ROUNDING))


def _members(policy: CompiledPolicy, gate: Gate) -> Counts:
    """The scope's parts by intent, 1 where it belongs: (parts, intents)."""
    intents = policy.intents
    if gate.scope == "tier":
        tiers = dict.fromkeys(intent.rate_tier for intent in intents)
        return np.array([[each.rate_tier == tier for each in intents] for tier in tiers], float)
    kept = [gate.scope == "intent" or each.revenue_critical for each in intents]
    return np.eye(len(intents))[kept]
