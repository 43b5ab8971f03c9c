"""Metric queries as alarms and GetMetricData pose them: statistics, and math over them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from canary.local import alarm_math
from canary.local.metrics import MetricStore, SeriesKey, parse_statistic, series_key

__all__ = [
    "Query",
    "QueryError",
    "epoch",
    "evaluate",
    "get_metric_data",
    "get_metric_statistics",
    "needed",
    "period_of",
]


MINUTE = 60
FINE_PERIODS = (1, 5, 10, 20, 30)


class QueryError(ValueError):
    """A query that CloudWatch would refuse, or that asks for something not supported here."""


@dataclass(frozen=True)
class Query:
    """One metric or one expression; `period` of an expression is that of what it reads."""

    id: str
    key: SeriesKey | None = None
    statistic: str = ""
    period: int = 0
    expression: str = ""
    returned: bool = True
    label: str = ""

    @classmethod
    def of_metric(cls, query_id: str, key: SeriesKey, statistic: str, period: int) -> Query:
        """A metric's statistic. Raises `UnsupportedStatisticError`."""
        parse_statistic(statistic)
        return cls(query_id, key=key, statistic=statistic, period=period)

    @classmethod
    def from_request(cls, query: Mapping[str, Any]) -> Query:
        """A MetricDataQuery in the API's shape. Raises `QueryError` or `MathError`."""
        returned = query.get("ReturnData") not in (False, "false")
        label = query.get("Label") or ""
        if stat := query.get("MetricStat"):
            if stat.get("Unit"):
                raise QueryError(f"query {query['Id']}: Unit is not supported")
            metric = stat["Metric"]
            dimensions = ((each["Name"], each["Value"]) for each in metric.get("Dimensions") or ())
            parse_statistic(stat["Stat"])
            return cls(
                query["Id"],
                key=series_key(metric["Namespace"], metric["MetricName"], dimensions),
                statistic=stat["Stat"],
                period=int(stat["Period"]),
                returned=returned,
                label=label or metric["MetricName"],
            )
        expression = query.get("Expression") or ""
        if not expression:
            raise QueryError(f"query {query['Id']} has neither MetricStat nor Expression")
        alarm_math.compile_expression(expression)
        return cls(
            query["Id"],
            expression=expression,
            period=int(query.get("Period") or 0),
            returned=returned,
            label=label or query["Id"],
        )


def needed(queries: Sequence[Query], query: Query) -> list[Query]:
    """The metrics that a query reads, itself when it is one. Raises `QueryError` on a cycle."""
    by_id = {each.id: each for each in queries}
    found: dict[str, Query] = {}

    def visit(current: Query, path: tuple[str, ...]) -> None:
        if current.id in path:
            raise QueryError(f"expressions refer to each other: {' -> '.join((*path, current.id))}")
        if current.key is not None:
            found[current.id] = current
            return
        program = alarm_math.compile_expression(current.expression)
        ids = set(program.ids)
        if program.all_metrics:
            ids |= {each.id for each in queries if each.key is not None}
        for name in sorted(ids):
            if name not in by_id:
                raise QueryError(f"{current.expression!r} names {name!r}, which no query has as id")
            visit(by_id[name], (*path, current.id))

    visit(query, ())
    return list(found.values())


def period_of(queries: Sequence[Query], query: Query) -> int:
    """The one period of everything a query reads. Raises `QueryError` when there are several."""
    periods = {each.period for each in needed(queries, query)}
    if query.expression and query.period:
        periods.add(query.period)
    if len(periods) != 1:
        raise QueryError(f"{query.id!r} needs metrics of one period, not {sorted(periods)}")
    return periods.pop()


def evaluate(
    store: MetricStore, queries: Sequence[Query], query: Query, *, end: float, points: int
) -> alarm_math.Value:
    """The value of `query` at the last `points` periods, the newest ending at `end`."""
    period = period_of(queries, query)
    by_id = {each.id: each for each in queries}
    metrics = [each.id for each in queries if each.key is not None]
    values: dict[str, alarm_math.Value] = {
        each.id: store.windows(each.key, each.statistic, period=period, end=end, count=points)
        for each in needed(queries, query)
        if each.key is not None
    }

    def value(name: str) -> alarm_math.Value:
        if name not in values:
            program = alarm_math.compile_expression(by_id[name].expression)
            for other in program.ids:
                value(other)
            values[name] = program(values, [each for each in metrics if each in values])
        return values[name]

    return value(query.id)


def get_metric_data(
    store: MetricStore,
    requests: Iterable[Mapping[str, Any]],
    *,
    start: datetime,
    end: datetime,
    newest_first: bool = True,
) -> list[dict[str, Any]]:
    """MetricDataResults in the emulator's shape (lower case), one for each series returned."""
    queries = [Query.from_request(request) for request in requests]
    results: list[dict[str, Any]] = []
    for query in queries:
        if not query.returned:
            continue
        grid = _Grid.covering(start, end, period_of(queries, query))
        value = evaluate(store, queries, query, end=grid.end, points=grid.points)
        if isinstance(value, float):
            raise QueryError(f"{query.expression!r} is a scalar; a result must be a time series")
        for series in value.series if isinstance(value, alarm_math.Array) else (value,):
            points = [(at, point) for at, point in grid.stamp(series) if point is not None]
            if newest_first:
                points.reverse()
            results.append(
                {
                    "id": query.id,
                    "label": query.label,
                    "timestamps": [at for at, _ in points],
                    "values": [point for _, point in points],
                    "status_code": "Complete",
                }
            )
    return results


def get_metric_statistics(
    store: MetricStore,
    key: SeriesKey,
    statistics: Sequence[str],
    *,
    start: datetime,
    end: datetime,
    period: int,
) -> list[dict[str, Any]]:
    """Datapoints in the API's shape, oldest first; percentiles come as ExtendedStatistics."""
    grid = _Grid.covering(start, end, period)
    columns = {
        name: store.windows(key, name, period=period, end=grid.end, count=grid.points)
        for name in statistics
    }
    simple = {"Sum", "Average", "Minimum", "Maximum", "SampleCount"}
    datapoints: list[dict[str, Any]] = []
    for index, at in enumerate(grid.times()):
        found = {
            name: point for name, column in columns.items() if (point := column[index]) is not None
        }
        if not found:
            continue
        datapoint: dict[str, Any] = {"Timestamp": at, "Unit": "None"}
        datapoint |= {name: point for name, point in found.items() if name in simple}
        if extended := {name: point for name, point in found.items() if name not in simple}:
            datapoint["ExtendedStatistics"] = extended
        datapoints.append(datapoint)
    return datapoints


@dataclass(frozen=True)
class _Grid:
    """Whole periods aligned to the clock, from the one that holds the start."""

    first: float
    period: int
    points: int

    @classmethod
    def covering(cls, start: datetime, end: datetime, period: int) -> _Grid:
        if period not in FINE_PERIODS and (period <= 0 or period % MINUTE):
            raise QueryError(f"a period is 1, 5, 10, 20, 30 or a multiple of 60, not {period}")
        first = math.floor(epoch(start) / period) * period
        points = math.ceil((epoch(end) - first) / period)
        if points <= 0:
            raise QueryError("StartTime must be less than EndTime")
        return cls(first, period, points)

    @property
    def end(self) -> float:
        return self.first + self.points * self.period

    def times(self) -> list[datetime]:
        return [
            datetime.fromtimestamp(self.first + index * self.period, UTC)
            for index in range(self.points)
        ]

    def stamp(self, series: alarm_math.Series) -> list[tuple[datetime, float | None]]:
        return list(zip(self.times(), series, strict=True))


def epoch(moment: datetime) -> float:
    """Epoch seconds of a moment; without a zone it is UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
