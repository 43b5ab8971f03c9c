"""When a look could say something: at every hour at once, in arrays, so that few looks are taken.

A screen never decides. It only finds the moments at which the decision code must be asked, and it
must miss none: a test compares releases decided so with releases that take every look.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from canary.decision.measures import unit_variance
from canary.policy.compiled import Metric, Trigger
from canary.simulation.history import History
from canary.simulation.streams import HOUR, Stream
from canary.simulation.telemetry import CANARY, CONTROL, Counts
from canary.statistics.sequential_arrays import mismatch_p_values, mixture_radii

__all__ = ["harm_alarm_hours", "harm_hours", "mismatch_hours"]

_Z_HARM, _Z_RATIO, _Z_ALARM = 2.5, 3.0, 2.5
_SHARE = 0.75
"""Of a threshold: nearer to none a bound above it is out of reach."""
"""Nearer to nothing than this no bound can be crossed."""
_SLACK = 1e-6
Flags = NDArray[np.bool_]


def harm_hours(history: History, marks: Counts) -> tuple[Flags, Flags]:
    """At which of `marks` (seconds since the first exposure) a harm sequence crosses its bound.

    The first of those that reject, then of those that only hold.
    """
    policy = history.policy
    plan = policy.statistics
    metric = policy.metric(plan.primary_metric)
    sums, intents = _strata(history, metric, marks)
    units, n = sums[0], sums[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        both = n[CONTROL] + n[CANARY]
        enough = (np.minimum(*units) >= 2) & (both > 0)  # noqa: PLR2004
        weight = np.where(enough, n[CONTROL] * n[CANARY] / both, 0.0)
        rate = sums[2] / n
        common = (sums[2][CONTROL] + sums[2][CANARY]) / both
        residual = np.maximum(sums[5] - 2 * common * sums[4] + common**2 * sums[3], 0.0)
        variance = (units / (units - 1) * residual / n**2).sum(axis=0)
        sign = 1.0 if metric.better == "higher" else -1.0
        s = np.where(weight > 0, sign * weight * (rate[CANARY] - rate[CONTROL]), 0.0)
        v = np.where(weight > 0, weight**2 * variance, 0.0)
    limit = -plan.margin if plan.hypothesis == "non_inferiority" else 0.0
    rho = plan.harm_min_outcomes * unit_variance(policy, metric)
    crossed = _crossed((s.sum(0), v.sum(0), weight.sum(0)), limit, plan.harm_alpha_overall, rho)
    enough = n.sum(axis=1).min(axis=0) >= plan.harm_min_outcomes
    rejects = crossed & enough
    holds = np.zeros_like(rejects)
    critical = sum(intent.revenue_critical for intent in policy.intents)
    member = (intents == np.arange(len(policy.intents))[:, None]).astype(np.float64)
    by_intent = (member @ s, member @ v, member @ weight)
    near = by_intent[0] - limit * by_intent[2] < -_Z_HARM * np.sqrt(by_intent[1])
    near &= by_intent[1] > 0
    some = np.flatnonzero(near.any(axis=1))
    fewest = np.minimum(member[some] @ n[CONTROL], member[some] @ n[CANARY])
    for place, index in enumerate(some.tolist()):
        intent = policy.intents[index]
        share = critical if intent.revenue_critical else len(policy.intents) - critical
        alpha = plan.harm_alpha_revenue / share
        own = (by_intent[0][index], by_intent[1][index], by_intent[2][index])
        found = (fewest[place] >= plan.harm_min_outcomes) & _crossed(own, limit, alpha, rho)
        if intent.revenue_critical:
            rejects |= found
        else:
            holds |= found
    return rejects, holds


def mismatch_hours(history: History, marks: Counts) -> Flags:
    """At which marks the sample ratio's p-value is below its alpha."""
    policy = history.policy
    rates: list[float] = []
    arms: list[Counts] = []
    for stream in history.streams:
        units = stream.running(("completed", "outcomes"))[0]
        at = stream.at(marks)
        for rate in stream.rates:
            rates.append(rate)
            drawn = units[:, stream.p_canary == rate].sum(axis=1)[:, at]
            arms.append(np.broadcast_to(drawn, (2, marks.size)))
    p = np.array(rates)[:, None]
    control, canary = np.stack(arms, axis=1)
    size = control + canary
    z = np.abs(canary - p * size) / np.sqrt(np.maximum(p * (1 - p) * size, _SLACK))
    flags = np.zeros(marks.size, dtype=np.bool_)
    far = np.flatnonzero(z.max(axis=0) > _Z_RATIO)
    if far.size:
        found = mismatch_p_values(p.T, control[:, far].T, canary[:, far].T)
        flags[far] = found < policy.statistics.srm_alpha * (1 + _SLACK)
    return flags


def harm_alarm_hours(history: History, triggers: Sequence[Trigger], marks: Counts) -> Flags:
    """At which marks the lower bound of each trigger's harm might be above its threshold.

    Hour by hour and intent by intent the arms are compared, and the hours of the window summed:
    (triggers, marks).
    """
    if not triggers:
        return np.zeros((0, marks.size), dtype=np.bool_)
    metrics = [history.policy.metric(trigger.metric) for trigger in triggers]
    hours = sum(stream.hours for stream in history.streams)
    hourly = np.zeros((len(triggers), 4, 1 + hours))
    reached = np.zeros(1 + hours)
    place = 1
    for stream in history.streams:
        own = slice(place, place + stream.hours)
        place += stream.hours
        reached[own] = stream.start + HOUR * (np.arange(stream.hours) + 1)
        for index, metric in enumerate(metrics):
            hourly[index, :, own] = _compared(metric, stream)
    total = np.cumsum(hourly, axis=2)
    wait = np.array([[metric.outcome_window_seconds] for metric in metrics])
    window = np.array([[max(trigger.windows_seconds)] for trigger in triggers])
    last = np.searchsorted(reached, marks - wait + _SLACK, side="right") - 1
    first = np.searchsorted(reached, marks - wait - window + _SLACK, side="right") - 1
    first = np.maximum(0, first)
    last = np.maximum(first, last)
    s, v, w, level = (
        np.take_along_axis(part, last, axis=1) - np.take_along_axis(part, first, axis=1)
        for part in total.transpose(1, 0, 2)
    )
    relative = np.array([[trigger.unit == "relative"] for trigger in triggers])
    sign = np.array([[-1.0 if metric.better == "higher" else 1.0] for metric in metrics])
    threshold = np.array([[trigger.threshold] for trigger in triggers])
    with np.errstate(divide="ignore", invalid="ignore"):
        harm = s / w * sign
        z = harm * w / np.sqrt(v)
        harm = np.where(relative, harm * w / level, harm)
    far = np.nan_to_num(harm) > _SHARE * threshold
    return np.asarray(far & (np.nan_to_num(z) > _Z_ALARM))


def _strata(history: History, metric: Metric, marks: Counts) -> tuple[Counts, Counts]:
    """Sums of matured outcomes at each mark: (6, 2, strata, marks), and each stratum's intent."""
    places: dict[tuple[int, float], int] = {}
    for stream in history.streams:
        for pair in enumerate(stream.asked):
            places.setdefault(pair, len(places))
    sums = np.zeros((6, 2, len(places), marks.size))
    for stream in history.streams:
        so_far = stream.running((metric.numerator, metric.denominator))
        at = stream.at(marks, metric.outcome_window_seconds)
        order = [places[pair] for pair in enumerate(stream.asked)]
        if order[-1] - order[0] == len(order) - 1 and sorted(order) == order:
            sums[:, :, order[0] : order[-1] + 1] += so_far.take(at, axis=3)  # in place
        else:
            sums[:, :, order] += so_far.take(at, axis=3)
    return sums, np.array([index for index, _ in places])


def _crossed(score: tuple[Counts, Counts, Counts], limit: float, alpha: float, rho: float) -> Flags:
    """Where S, V and W put the upper bound of the effect below the limit."""
    s, v, w = score
    flags = np.zeros(s.size, dtype=np.bool_)
    shifted = s - limit * w
    near = np.flatnonzero((v > 0) & (w > 0) & (shifted < -_Z_HARM * np.sqrt(v)))
    if near.size:
        radius = mixture_radii(v[near], alpha, rho)
        flags[near] = shifted[near] + radius < _SLACK * radius
    return flags


def _compared(metric: Metric, stream: Stream) -> Counts:
    """Hour by hour the sums over intents of S, V, W and W times the control's mean: (4, hours).

    All 0 for a metric that a world has no numbers for.
    """
    key = ("compared", metric.name)
    if key not in stream.kept:
        sums = _hourly(metric, stream)
        if sums is None:
            return np.zeros((4, stream.hours))
        n, y, yy = sums
        part = 1 / np.maximum(n[CONTROL] + n[CANARY], 1.0)
        weight = n[CONTROL] * n[CANARY] * part
        control = y[CONTROL] * n[CANARY] * part
        mean = (y[CONTROL] + y[CANARY]) * part
        spread = (yy[CONTROL] + yy[CANARY]) * part - mean * mean
        each = (y[CANARY] * n[CONTROL] * part - control, weight * spread, weight, control)
        stream.kept[key] = np.stack([values.sum(axis=1) for values in each])
    return np.asarray(stream.kept[key][:, : stream.hours])


def _hourly(metric: Metric, stream: Stream) -> Counts | None:
    """n, y and the sum of squares by arm, hour and intent: (3, 2, hours, intents)."""
    if metric.source == "detector":
        if metric.numerator not in stream.detected:
            return None
        n, y = stream.detected[metric.numerator][:, :, : stream.hours, None]
        return np.stack([n, y, y])
    sums = stream.sums.get((metric.numerator, metric.denominator))
    return None if sums is None else sums.outcomes(stream.hours)
