"""How likely a candidate that is just like the control proves itself at a gate.

Planning only: it takes the baseline for the truth, customers for independent, and normal
approximations for exact. No decision reads it; the check of a policy does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

from canary.policy.compiled import CompiledPolicy, Gate, Intent, Metric

__all__ = [
    "LEAST_PLANNED",
    "baseline_moments",
    "gate_information",
    "gate_margin",
    "gate_z",
    "hopeless_gates",
    "matured_days",
    "planned_pass",
]

LEAST_PLANNED = 0.8
"""A must_pass gate that an identical candidate passes less often is refused."""
_DAY = 86_400
_NORMAL = NormalDist()


def hopeless_gates(policy: CompiledPolicy) -> Iterator[tuple[Gate, float]]:
    """Gates to be passed whose planned probability at the stage's maximum is too small."""
    for gate in policy.gates:
        if gate.kind == "must_pass":
            planned = planned_pass(policy, gate, policy.stages[gate.stage].max_seconds)
            if planned is not None and planned < LEAST_PLANNED:
                yield gate, planned


def planned_pass(policy: CompiledPolicy, gate: Gate, seconds: float) -> float | None:
    """P(PASS | identical) after `seconds` at the gate's stage; None where no baseline is stated."""
    metric = policy.metric(gate.metric)
    moments = baseline_moments(policy, metric, gate)
    if moments is None:
        return None
    mean, deviation, per_conversation = moments
    matured = matured_days(metric, seconds) * per_conversation
    groups: list[tuple[Intent, ...]] = [policy.intents]
    if gate.scope == "revenue_critical":
        groups = [(intent,) for intent in policy.intents if intent.revenue_critical]
    z = gate_z(policy, gate)
    chance = 1.0
    for group in groups:
        information = sum(gate_information(policy, gate, intent, matured) for intent in group)
        if information <= 0:
            return 0.0
        margin = gate_margin(metric, gate, mean)
        chance *= _NORMAL.cdf(margin * math.sqrt(information) / deviation - z)
    return chance


def matured_days(metric: Metric, seconds: float) -> float:
    """Of so long a stage, the days whose conversations have their outcome."""
    return max(0.0, seconds - metric.outcome_window_seconds) / _DAY


def gate_z(policy: CompiledPolicy, gate: Gate) -> float:
    """Standard errors between estimate and limit for a PASS; a guardrail's level needs none."""
    if gate.unit == "level" and policy.metric(gate.metric).role == "guardrail":
        return 0.0
    return _NORMAL.inv_cdf(policy.statistics.gate_confidence)


def gate_information(policy: CompiledPolicy, gate: Gate, intent: Intent, matured: float) -> float:
    """A stratum's part: n1 n0 / N for a difference, the canary's n for a level."""
    rate = policy.stages[gate.stage].rate
    if policy.routing == "application":
        rate = max(rate, intent.rate)
    size = intent.daily_volume * matured
    return size * rate * (1 if gate.unit == "level" else 1 - rate)


def gate_margin(metric: Metric, gate: Gate, mean: float) -> float:
    """How far an identical candidate is within the limit, in the metric's own scale.

    Negative where the baseline itself is beyond a level.
    """
    if gate.unit == "level":
        return gate.limit - mean if metric.better == "lower" else mean - gate.limit
    return abs(gate.limit) * (mean if gate.unit == "relative" else 1)


def baseline_moments(
    policy: CompiledPolicy, metric: Metric, gate: Gate
) -> tuple[float, float, float] | None:
    """Mean, standard deviation, and observations a conversation, where the baseline tells."""
    known = policy.baseline
    turns = known.turns_per_conversation
    rates = {
        "error": (known.error_rate, turns),
        "cart_abandoned": (known.cart_abandonment, known.cart_share),
        "completed": (known.completion, 1.0),
        "surveys": (known.survey_response, 1.0),
    }
    if metric.numerator == "hallucinated":
        checked = turns * policy.detector.sampling[gate.stage]
        return (known.hallucination_rate, _corrected_deviation(policy), checked)
    if metric.numerator == "csat":
        return (known.csat_mean, known.csat_sd, known.survey_response)
    if metric.measure != "rate" or metric.numerator not in rates:
        return None
    rate, per_conversation = rates[metric.numerator]
    return (rate, math.sqrt(rate * (1 - rate)), per_conversation)


def _corrected_deviation(policy: CompiledPolicy) -> float:
    """The standard deviation of one checked turn after correction for the detector's mistakes."""
    detector, rate = policy.detector, policy.baseline.hallucination_rate
    seen = detector.sensitivity * rate + (1 - detector.specificity) * (1 - rate)
    return math.sqrt(seen * (1 - seen)) / (detector.sensitivity + detector.specificity - 1)
