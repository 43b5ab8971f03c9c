"""One metric in one scope: each arm's interval, and the canary's against the control's."""

from __future__ import annotations

import math
from typing import NamedTuple

from canary.decision.pairs import Pairs, Weighted
from canary.policy.compiled import CompiledPolicy, Metric, Unit
from canary.statistics import intervals
from canary.statistics.detector import corrected_rate
from canary.statistics.intervals import Interval

__all__ = ["Comparison", "compare", "unit_variance"]

_LEAST_UNITS = 30
"""Below this a mean's normal interval is not to be trusted."""


class Comparison(NamedTuple):
    """One metric's interval in a gate's unit, and how many observations each arm has."""

    interval: Interval | None
    """`None` when there is nothing to compare."""
    n_control: float
    n_canary: float


def compare(
    policy: CompiledPolicy, metric: Metric, unit: Unit, pairs: Pairs, z: float
) -> Comparison:
    """The canary's level, or the canary against the control over strata, with `z` to each side."""
    n_control, n_canary = pairs.n_control, pairs.n_canary
    if unit == "level":
        level = pairs.level
        interval = _interval(policy, metric, level, z) if level else None
        return Comparison(interval, n_control, n_canary)
    arms = pairs.arms
    if arms is None:
        return Comparison(None, n_control, n_canary)
    control, canary = (_interval(policy, metric, arm, z) for arm in arms)
    if control is None or canary is None:
        return Comparison(None, n_control, n_canary)
    combine = intervals.ratio if unit == "relative" else intervals.difference
    return Comparison(combine(canary, control), n_control, n_canary)


def unit_variance(policy: CompiledPolicy, metric: Metric) -> float:
    """The planned variance of one observation of `metric`; a rate's largest where none is known."""
    known = policy.baseline
    rates = {
        "completed": known.completion,
        "clicked": known.click_through,
        "cart_abandoned": known.cart_abandonment,
        "error": known.error_rate,
        "surveys": known.survey_response,
        "hallucinated": known.hallucination_rate,
    }
    if metric.numerator == "csat":
        return known.csat_sd**2
    rate = rates.get(metric.numerator, 0.5)
    return rate * (1 - rate)


def _interval(policy: CompiledPolicy, metric: Metric, arm: Weighted, z: float) -> Interval | None:
    """One arm's interval, corrected for a detector's mistakes."""
    estimate, variance = arm.estimate, arm.variance
    if metric.measure != "rate":
        if arm.units < _LEAST_UNITS or not math.isfinite(variance):
            return None
        return intervals.normal(estimate, variance, z)
    size = arm.size
    spread = estimate * (1 - estimate)
    if spread > 0 and variance > 0:
        size = min(size, spread / variance)
    found = intervals.wilson(estimate * size, size, z)
    if metric.source != "detector":
        return found
    values = (found.estimate, found.lower, found.upper)
    return Interval(*(_true_rate(policy, metric, value) for value in values))


def _true_rate(policy: CompiledPolicy, metric: Metric, seen: float) -> float:
    """What the detector's share of faults, or of faultless ones, stands for."""
    detector = policy.detector
    if metric.better == "lower":
        return corrected_rate(seen, detector.sensitivity, detector.specificity)
    return 1 - corrected_rate(1 - seen, detector.sensitivity, detector.specificity)
