"""Alarm definitions as the emulator stores them, read into what the evaluator can evaluate."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from canary.local.alarm_math import Array, MathError
from canary.local.alarm_state import EXTRA_POINTS, Treatment
from canary.local.metric_query import Query, QueryError, evaluate, needed, period_of
from canary.local.metrics import MetricStore, UnsupportedStatisticError, series_key

__all__ = ["MetricAlarm", "UnsupportedAlarmError", "read_metric_alarm"]

HIGH_RESOLUTION = (10, 20, 30)
MINUTE = 60
MAX_QUERIES = 20
"""Ten metrics and ten expressions an alarm."""

COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


class UnsupportedAlarmError(ValueError):
    """An alarm that uses something the evaluator does not do, with the alarm's name."""


@dataclass(frozen=True)
class MetricAlarm:
    """A metric alarm, ready to be evaluated. `period` is in (virtual) seconds."""

    name: str
    queries: tuple[Query, ...]
    subject: Query
    period: int
    periods: int
    to_alarm: int
    treatment: Treatment
    comparison: str
    threshold: float

    @property
    def every(self) -> int:
        """Seconds between evaluations: 10 for a high-resolution alarm, else 60."""
        return 10 if self.period in HIGH_RESOLUTION else MINUTE

    def points(self, store: MetricStore, end: float) -> list[float | None]:
        """The evaluation range as sliding windows, oldest first, the newest ending at `end`."""
        count = self.periods + EXTRA_POINTS
        value = evaluate(store, self.queries, self.subject, end=end, points=count)
        if isinstance(value, float | Array):
            raise MathError(
                f"alarm {self.name!r}: {self.subject.expression!r} is not a single time series"
            )
        return value

    def is_breaching(self, point: float) -> bool:
        """Whether a data point is beyond the threshold."""
        return COMPARISONS[self.comparison][0](point, self.threshold)


def read_metric_alarm(alarm: Any) -> MetricAlarm:
    """Read the emulator's alarm. Raises `UnsupportedAlarmError` saying what is not supported."""
    try:
        definition = _read(alarm)
        definition.points(MetricStore(), 0.0)
    except (MathError, QueryError, UnsupportedStatisticError) as error:
        raise UnsupportedAlarmError(f"alarm {alarm.name!r}: {error}") from error
    return definition


def _read(alarm: Any) -> MetricAlarm:
    def refuse(what: str) -> UnsupportedAlarmError:
        return UnsupportedAlarmError(f"alarm {alarm.name!r}: {what} is not supported")

    if alarm.comparison_operator not in COMPARISONS:
        raise refuse(f"ComparisonOperator {alarm.comparison_operator}")
    if getattr(alarm, "threshold_metric_id", None):
        raise refuse("ThresholdMetricId (anomaly detection)")
    if alarm.unit:
        raise refuse("Unit")
    if getattr(alarm, "evaluate_low_sample_count_percentile", None):
        raise refuse("EvaluateLowSampleCountPercentile")
    treatment: Any = alarm.treat_missing_data or "missing"
    if treatment not in get_args(Treatment):
        raise refuse(f"TreatMissingData {treatment}")
    queries = _queries(alarm)
    if len(queries) > MAX_QUERIES:
        raise refuse(f"{len(queries)} metrics and expressions")
    subjects = [query for query in queries if query.returned]
    if len(subjects) != 1:
        raise refuse(f"returning data from {len(subjects)} queries instead of one")
    needed(queries, subjects[0])
    period = period_of(queries, subjects[0])
    if period not in HIGH_RESOLUTION and (period <= 0 or period % MINUTE):
        raise refuse(f"a period of {period} s")
    periods = int(alarm.evaluation_periods)
    return MetricAlarm(
        name=alarm.name,
        queries=queries,
        subject=subjects[0],
        period=period,
        periods=periods,
        to_alarm=int(alarm.datapoints_to_alarm or periods),
        treatment=treatment,
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
    )


def _queries(alarm: Any) -> tuple[Query, ...]:
    if not alarm.metric_data_queries:
        key = series_key(alarm.namespace, alarm.metric_name, _pairs(alarm.dimensions))
        statistic = alarm.extended_statistic or alarm.statistic
        return (Query.of_metric("m1", key, statistic, int(alarm.period)),)
    return tuple(Query.from_request(query_request(query)) for query in alarm.metric_data_queries)


def _pairs(dimensions: Any) -> list[tuple[str, str]]:
    return [(each.name, each.value) for each in dimensions]


def query_request(query: Any) -> dict[str, Any]:
    """A stored query in the API's shape (MetricDataQuery)."""
    request: dict[str, Any] = {
        "Id": query.id,
        "ReturnData": query.return_data not in (False, "false"),
    }
    if query.label:
        request["Label"] = query.label
    if query.expression:
        request["Expression"] = query.expression
        if query.period:
            request["Period"] = int(query.period)
    if query.metric_stat:
        metric = query.metric_stat.metric
        stat: dict[str, Any] = {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.metric_name,
                "Dimensions": [
                    {"Name": name, "Value": value} for name, value in _pairs(metric.dimensions)
                ],
            },
            "Period": int(query.metric_stat.period),
            "Stat": query.metric_stat.stat,
        }
        if query.metric_stat.unit:
            stat["Unit"] = query.metric_stat.unit
        request["MetricStat"] = stat
    return request
