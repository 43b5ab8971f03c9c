"""From the facts' cells to what statistics compare: paired strata, and each arm's interval."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import NamedTuple

from canary.decision.facts import Cell, Moments
from canary.policy.compiled import CompiledPolicy, Metric, Unit
from canary.statistics import intervals
from canary.statistics.detector import corrected_rate
from canary.statistics.intervals import Interval
from canary.statistics.ratio_metric import Sums, ratio_of, total
from canary.statistics.score_process import Pair

__all__ = ["Comparison", "compare", "pairs_of", "unit_variance", "within"]

_LEAST_UNITS = 30
"""Below this a mean's normal interval is not to be trusted."""


def pairs_of(
    cells: Iterable[Cell], metric: str, strata: Collection[str] | None = None
) -> tuple[Pair, ...]:
    """Both arms of every (stratum, probability) with data of `metric`, within `strata` if given."""
    found: dict[tuple[str, float], dict[str, list[Moments]]] = {}
    for cell in cells:
        moments = cell.measures.get(metric)
        if moments is None or (strata is not None and cell.stratum not in strata):
            continue
        arms = found.setdefault((cell.stratum, cell.p_canary), {"control": [], "canary": []})
        if cell.arm not in arms:
            raise ValueError(f"arm: {cell.arm!r} is neither control nor canary")
        arms[cell.arm].append(moments)
    return tuple(
        Pair(stratum, p_canary, _sum(arms["control"]), _sum(arms["canary"]))
        for (stratum, p_canary), arms in sorted(found.items())
    )


def _sum(parts: list[Moments]) -> Sums:
    return parts[0] if len(parts) == 1 else total(parts)


def within(pairs: Iterable[Pair], strata: Collection[str]) -> tuple[Pair, ...]:
    """Those of the pairs that belong to `strata`."""
    return tuple(pair for pair in pairs if pair.stratum in strata)


class Comparison(NamedTuple):
    """One metric's interval in a gate's unit, and how many observations each arm has."""

    interval: Interval | None
    """`None` when there is nothing to compare."""
    n_control: float
    n_canary: float


def compare(
    policy: CompiledPolicy, metric: Metric, unit: Unit, pairs: Iterable[Pair], z: float
) -> Comparison:
    """The canary's level, or the canary against the control over strata, with `z` to each side.

    Strata are weighted by n1 * n0 / N in both arms alike, so a ramp is not taken for an effect.
    """
    kept = tuple(pairs)
    n_control = n_canary = everything = 0.0
    weighted: list[tuple[float, Pair]] = []
    for pair in kept:
        n_control += pair.control.n
        n_canary += pair.canary.n
        if (weight := pair.weight) > 0:
            weighted.append((weight, pair))
            everything += weight
    if unit == "level":
        whole = total(pair.canary for pair in kept)
        arm = _arm(policy, metric, [(1.0, whole)], z) if whole.units > 1 else None
        return Comparison(arm, n_control, n_canary)
    if everything <= 0:
        return Comparison(None, n_control, n_canary)
    control = _arm(policy, metric, [(w / everything, p.control) for w, p in weighted], z)
    canary = _arm(policy, metric, [(w / everything, p.canary) for w, p in weighted], z)
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


def _arm(
    policy: CompiledPolicy, metric: Metric, parts: list[tuple[float, Sums]], z: float
) -> Interval | None:
    """One arm's weighted estimate with its interval, corrected for a detector's mistakes."""
    estimate = variance = inverse = units = 0.0
    for weight, sums in parts:
        each = ratio_of(sums)
        estimate += weight * each.estimate
        variance += weight * weight * each.variance
        inverse += weight * weight / each.n
        units += each.units
    if metric.measure != "rate":
        if units < _LEAST_UNITS or not math.isfinite(variance):
            return None
        return intervals.normal(estimate, variance, z)
    size = 1 / inverse
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
