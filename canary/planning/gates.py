"""What a gate can resolve in so long a stage: for each scope's part, at the policy's volumes.

Planning only, by normal approximations: the baseline is taken for the truth, its volume for even
over the day, and a design effect for what customers with several conversations cost. Effects are
in the metric's own scale, points as fractions, and a positive one is a deterioration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from canary.planning.tails import tail_of
from canary.policy.compiled import CompiledPolicy, Gate, Intent
from canary.policy.planning import (
    baseline_moments,
    gate_information,
    gate_margin,
    gate_z,
    matured_days,
)
from canary.routing.rates import rate

__all__ = ["POWER", "Resolution", "gate_groups", "gate_pass", "resolve"]

POWER = 0.8
_NORMAL = NormalDist()
_Z_POWER = _NORMAL.inv_cdf(POWER)


@dataclass(frozen=True)
class Resolution:
    """One part of a gate's scope, after so many seconds at its stage.

    `observations` are the smaller arm's that the gate reads. `passes` is P(PASS | identical), 0
    below the gate's minimum sample. `refuses` is the true deterioration that is not let by with
    probability .8: not passed by a must_pass gate, failed by a must_not_fail gate; None without
    data. `tolerates` is the deterioration, negative for an improvement, up to which a must_pass
    gate still passes with .8. Both are in the gate's own unit, of a P99's
    level in milliseconds.
    """

    part: str
    observations: float
    passes: float
    refuses: float | None
    tolerates: float | None


def resolve(
    policy: CompiledPolicy, gate: Gate, seconds: float, *, design_effect: float = 1.0
) -> tuple[Resolution, ...] | None:
    """Each part's resolution; None where the baseline does not tell the metric's spread."""
    metric = policy.metric(gate.metric)
    if metric.measure == "quantile":
        return (_resolve_tail(policy, gate, seconds, design_effect),)
    moments = baseline_moments(policy, metric, gate)
    if moments is None:
        return None
    mean, deviation, per_conversation = moments
    matured = matured_days(metric, seconds) * per_conversation
    margin = gate_margin(metric, gate, mean)
    scale = mean if gate.unit == "relative" else 1.0
    parts = gate_groups(policy, gate)
    z = _z(policy, gate, len(parts))
    found = []
    for part, intents in parts.items():
        information = sum(gate_information(policy, gate, each, matured) for each in intents)
        least = _smaller_arm(policy, gate, intents, matured)
        if information <= 0 or least < gate.min_sample:
            found.append(Resolution(part, least, 0.0, None, None))
            continue
        error = deviation * math.sqrt(design_effect / information)
        passes, refuses, tolerates = _verdicts(gate, margin, error, z * error)
        tolerated = None if tolerates is None else tolerates / scale
        found.append(Resolution(part, least, passes, refuses / scale, tolerated))
    return tuple(found)


def gate_pass(
    policy: CompiledPolicy, gate: Gate, seconds: float, *, design_effect: float = 1.0
) -> float | None:
    """P(PASS | identical) of the whole gate: every part, which are different customers."""
    parts = resolve(policy, gate, seconds, design_effect=design_effect)
    return None if parts is None else math.prod(part.passes for part in parts)


def gate_groups(policy: CompiledPolicy, gate: Gate) -> Mapping[str, tuple[Intent, ...]]:
    """The scope's parts by name: all intents, rate tiers, or intents one by one."""
    if gate.scope == "overall":
        return {"overall": policy.intents}
    if gate.scope == "tier":
        tiers = dict.fromkeys(intent.rate_tier for intent in policy.intents)
        return {
            tier: tuple(intent for intent in policy.intents if intent.rate_tier == tier)
            for tier in tiers
        }
    return {
        intent.name: (intent,)
        for intent in policy.intents
        if gate.scope == "intent" or intent.revenue_critical
    }


def _verdicts(
    gate: Gate, margin: float, error: float, beyond: float
) -> tuple[float, float, float | None]:
    """P(PASS | identical); the deterioration refused, and tolerated, with the wanted power.

    `beyond` is how far the verdict's bound lies from the estimate.
    """
    passes = _NORMAL.cdf((margin - beyond) / error)
    spare = error * _Z_POWER
    if gate.kind == "must_pass":
        return passes, margin - beyond + spare, margin - beyond - spare
    return passes, margin + beyond + spare, None


def _resolve_tail(
    policy: CompiledPolicy, gate: Gate, seconds: float, design_effect: float
) -> Resolution:
    """A P99 over all intents, on the log scale: a level in milliseconds, or a ratio."""
    metric, today = policy.metric(gate.metric), policy.baseline.p99_ms
    matured = matured_days(metric, seconds)
    shares = [rate(policy, gate.stage, intent.name) for intent in policy.intents]
    volumes = [intent.daily_volume * matured for intent in policy.intents]
    canary = sum(n * share for n, share in zip(volumes, shares, strict=True))
    control = sum(volumes) - canary
    level = gate.unit == "level"
    least = canary if level else min(canary, control)
    confidence = policy.statistics.gate_confidence
    arms = [
        tail_of(n / design_effect, confidence) for n in ((canary,) if level else (canary, control))
    ]
    known = [arm for arm in arms if arm is not None]
    if least < gate.min_sample or len(known) < len(arms):
        return Resolution("overall", least, 0.0, None, None)
    error = math.hypot(*(arm.error for arm in known))
    # The ratio's bound is slow for the canary and quick for control; a level has its estimate.
    beyond = (
        0.0 if gate_z(policy, gate) == 0 else math.hypot(known[0].up, *(a.down for a in known[1:]))
    )
    margin = math.log(gate.limit / today) if level else math.log1p(gate.limit)
    passes, refuses, tolerates = _verdicts(gate, margin, error, beyond)
    scale = today if level else 1.0
    tolerated = None if tolerates is None else scale * math.expm1(tolerates)
    return Resolution("overall", least, passes, scale * math.expm1(refuses), tolerated)


def _z(policy: CompiledPolicy, gate: Gate, parts: int) -> float:
    """Standard errors beyond the limit for the verdict that counts.

    A must_not_fail gate over several parts fails by Holm's first step.
    """
    if gate.kind == "must_pass" or gate.scope == "overall":
        return gate_z(policy, gate)
    return _NORMAL.inv_cdf(1 - policy.statistics.intent_alpha / parts)


def _smaller_arm(
    policy: CompiledPolicy, gate: Gate, intents: tuple[Intent, ...], matured: float
) -> float:
    """Observations that the gate's minimum sample is compared with."""
    rates = [rate(policy, gate.stage, intent.name) for intent in intents]
    canary = sum(i.daily_volume * r for i, r in zip(intents, rates, strict=True)) * matured
    control = sum(i.daily_volume * (1 - r) for i, r in zip(intents, rates, strict=True)) * matured
    return canary if gate.unit == "level" else min(canary, control)
