"""What must hold of one metric and its triggers, and of all of them together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from canary.policy.checks.common import one_of, repeated
from canary.policy.checks.limits import check_limit, check_unit
from canary.policy.duration import duration_text
from canary.policy.metric import COLUMNS, COUNTERS, MetricRule, TriggerRule
from canary.policy.problem import Problem

__all__ = ["check_metric", "check_metrics"]


def check_metrics(metrics: tuple[MetricRule, ...]) -> Iterator[Problem]:
    """Metrics differ, and so do their triggers, whose names become alarms."""
    yield from repeated("metrics", "name", [metric.name for metric in metrics])
    seen: dict[str, str] = {}
    for index, metric in enumerate(metrics):
        for place, trigger in enumerate(metric.triggers):
            path = f"metrics[{index}].triggers[{place}].name"
            if trigger.name in seen:
                yield Problem(path, trigger.name, f"different from {seen[trigger.name]}")
            seen.setdefault(trigger.name, path)


def check_metric(path: str, metric: MetricRule) -> Iterator[Problem]:
    """A metric's columns belong to its source; target, gates and triggers fit its measure."""
    yield from _check_columns(path, metric)
    for index, gate in enumerate(metric.gates):
        yield from check_limit(f"{path}.gates[{index}]", metric, gate)
    if target := metric.target:
        where = f"{path}.target"
        yield from check_unit(where, metric, target.unit, target.value)
        if target.unit != "level" and (target.value > 0) != (metric.better == "higher"):
            sign = "above 0" if metric.better == "higher" else "below 0"
            expected = f"{sign}: an improvement, as {metric.better} is better"
            yield Problem(f"{where}.value", target.value, expected)
    if metric.role == "observational" and (metric.gates or metric.triggers):
        key = "gates" if metric.gates else "triggers"
        expected = "absent: an observational metric decides nothing"
        yield Problem(f"{path}.{key}", f"{len(getattr(metric, key))} of them", expected)
    if sum(trigger.statistic == "harm" for trigger in metric.triggers) > 1:
        expected = "one trigger on harm a metric: one harm bound is published for it"
        yield Problem(f"{path}.triggers", f"{len(metric.triggers)} of them", expected)
    for index, trigger in enumerate(metric.triggers):
        yield from _check_trigger(f"{path}.triggers[{index}]", metric, trigger)


def _check_columns(path: str, metric: MetricRule) -> Iterator[Problem]:
    known = COLUMNS[metric.source]
    for key, column in (("numerator", metric.numerator), ("denominator", metric.denominator)):
        if not known and column:
            yield Problem(f"{path}.{key}", column, "absent: an offline score has no columns")
        elif known and column not in known:
            expected = f"a column of {metric.source}: {one_of(known)}"
            yield Problem(f"{path}.{key}", column or None, expected)
    if metric.source != "outcomes" and metric.outcome_window:
        expected = "absent: only outcomes are waited for"
        yield Problem(f"{path}.outcome_window", duration_text(metric.outcome_window), expected)
    if metric.source == "outcomes" and not metric.outcome_window:
        yield Problem(f"{path}.outcome_window", None, 'how long an outcome may take, as "24h"')


def _check_trigger(path: str, metric: MetricRule, trigger: TriggerRule) -> Iterator[Problem]:
    if metric.source == "offline":
        yield Problem(path, trigger.name, "absent: an offline score raises no alarm")
        return
    if trigger.statistic == "rate":
        yield from _check_rate(path, trigger)
    else:
        yield from _check_harm(path, metric, trigger)
    for index, (before, window) in enumerate(pairwise(trigger.windows), start=1):
        if window <= before:
            expected = f"longer than the window before it, {duration_text(before)}"
            yield Problem(f"{path}.windows[{index}]", duration_text(window), expected)
    if trigger.on_breach == "rollback" and trigger.escalate_after is not None:
        expected = 'absent: on_breach is "rollback" already'
        yield Problem(f"{path}.escalate_after", duration_text(trigger.escalate_after), expected)


def _check_rate(path: str, trigger: TriggerRule) -> Iterator[Problem]:
    if trigger.unit != "level":
        yield Problem(f"{path}.unit", trigger.unit, '"level": a rate is held to a bare limit')
    elif trigger.threshold >= 1:
        yield Problem(f"{path}.threshold", trigger.threshold, "a fraction of one, as 0.02")
    shortest = 1
    for key, counter in (("numerator", trigger.numerator), ("denominator", trigger.denominator)):
        if counter not in COUNTERS:
            yield Problem(f"{path}.{key}", counter or None, f"a counter: {one_of(set(COUNTERS))}")
        shortest = max(shortest, COUNTERS.get(counter, 1))
    for index, window in enumerate(trigger.windows):
        if window < shortest or window % 60:
            expected = f"whole minutes, from {duration_text(shortest)} on for these counters"
            yield Problem(f"{path}.windows[{index}]", duration_text(window), expected)


def _check_harm(path: str, metric: MetricRule, trigger: TriggerRule) -> Iterator[Problem]:
    yield from check_unit(path, metric, trigger.unit, trigger.threshold, limit="threshold")
    if trigger.unit == "level":
        expected = '"points", "score" or "relative": harm compares the canary with the control'
        yield Problem(f"{path}.unit", trigger.unit, expected)
    if metric.measure == "quantile":
        expected = '"rate": no harm bound is published for a quantile'
        yield Problem(f"{path}.statistic", trigger.statistic, expected)
    for key, counter in (("numerator", trigger.numerator), ("denominator", trigger.denominator)):
        if counter:
            expected = "absent: harm is computed from the metric's own columns"
            yield Problem(f"{path}.{key}", counter, expected)
    if len(trigger.windows) != 1:
        shown = [duration_text(window) for window in trigger.windows]
        yield Problem(f"{path}.windows", shown, "one window: one harm bound is published")
