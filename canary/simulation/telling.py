"""Which gates of a block could hold the release, found in arrays before any verdict is made.

Most gates of a stage guard intents and tiers one by one and must only not fail. An interval holds
its own estimate, so where every part's estimate keeps the limit none can fail, and such a gate
decides nothing: a test compares releases judged so with releases judged by every gate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from canary.policy.compiled import CompiledPolicy, Gate, Metric
from canary.simulation.history import History
from canary.simulation.telemetry import CANARY, CONTROL, Counts

__all__ = ["telling_gates"]

_ROUNDING = 1e-9


@dataclass(frozen=True)
class _Scope:
    """The gates of one stage and scope that must only not fail, side by side: (gates, 1) each."""

    parts: Counts
    """Which intents belong to each part, 1 or 0: (intents, parts)."""
    places: Counts
    """The gates' places among the stage's: (gates,)."""
    metrics: list[int]
    """Their metrics' places among those of the screen."""
    limits: Counts
    relative: Counts
    sign: Counts
    """1 where more is worse, -1 where it is better."""


@dataclass(frozen=True)
class _Screen:
    """The gates of one stage: those that always tell, and what finds those that may fail."""

    gates: tuple[Gate, ...]
    always: frozenset[int]
    metrics: tuple[Metric, ...]
    scopes: tuple[_Scope, ...]


def telling_gates(history: History, stage: int, since: float, now: float) -> tuple[Gate, ...]:
    """The gates of `stage` that the block from `since` to `now` must be judged by."""
    screen = history.rates.once(("screen", stage), lambda: _screen(history.policy, stage))
    telling = set(screen.always)
    if screen.scopes:
        arms = _arms(history, screen.metrics, since, now)
    for scope in screen.scopes:
        whole, control, canary = (arms @ scope.parts)[:, scope.metrics]
        # Effects times the weight, against the limit times the weight: nothing is divided by
        # nothing.
        reference = np.where(scope.relative, control, whole)
        beyond = scope.sign * ((canary - control) - scope.limits * reference)
        far = (whole > 0) & (beyond > -_ROUNDING * whole)
        telling.update(scope.places[far.any(axis=1)].tolist())
    return tuple(gate for place, gate in enumerate(screen.gates) if place in telling)


def _screen(policy: CompiledPolicy, stage: int) -> _Screen:
    gates = tuple(gate for gate in policy.gates if gate.stage == stage)
    asked = [
        (place, gate)
        for place, gate in enumerate(gates)
        if gate.kind != "must_pass" and gate.scope != "overall"
    ]
    names = list(dict.fromkeys(gate.metric for _, gate in asked))
    scopes = []
    for name in dict.fromkeys(gate.scope for _, gate in asked):
        own = [gate for _, gate in asked if gate.scope == name]
        higher = [policy.metric(gate.metric).better == "higher" for gate in own]
        scopes.append(
            _Scope(
                parts=_members(policy, name),
                places=np.array([place for place, gate in asked if gate.scope == name]),
                metrics=[names.index(gate.metric) for gate in own],
                limits=np.array([[gate.limit] for gate in own]),
                relative=np.array([[gate.unit == "relative"] for gate in own]),
                sign=np.array([[-1.0 if each else 1.0] for each in higher]),
            )
        )
    always = frozenset(range(len(gates))) - {place for place, _ in asked}
    return _Screen(gates, always, tuple(map(policy.metric, names)), tuple(scopes))


def _arms(history: History, metrics: tuple[Metric, ...], since: float, now: float) -> Counts:
    """By metric and intent the weight, and weight times rate of both arms: (3, metrics, intents).

    All 0 for a metric without data by intent: its gates cannot fail.
    """
    sums = np.zeros((3, len(metrics), 2, len(history.policy.intents)))
    for place, metric in enumerate(metrics):
        known = None if metric.source == "detector" else history.sums(metric, since, now)
        if known is not None:
            sums[:, place] = known[:3]
    units, n, _ = sums.swapaxes(1, 2)
    weight = n[CONTROL] * n[CANARY] / np.maximum(n[CONTROL] + n[CANARY], 1.0)
    weight = np.where(np.minimum(units[CONTROL], units[CANARY]) > 1, weight, 0.0)
    mean = sums[2] / np.maximum(sums[1], 1.0)
    return np.stack([weight, weight * mean[:, CONTROL], weight * mean[:, CANARY]])


def _members(policy: CompiledPolicy, scope: str) -> Counts:
    """Which intents belong to each of the scope's parts, 1 or 0: (intents, parts)."""
    intents = policy.intents
    if scope == "tier":
        tiers = dict.fromkeys(intent.rate_tier for intent in intents)
        return np.array([[each.rate_tier == tier for tier in tiers] for each in intents], float)
    kept = [scope == "intent" or each.revenue_critical for each in intents]
    return np.eye(len(intents))[:, kept]
