"""The metric store of the embedded region: what PutMetricData, log lines and balancers publish.

A data point is kept at its storage resolution (one second or one minute), as CloudWatch keeps it,
so a ten-second alarm on a one-minute metric misbehaves here as it does there. Times are epoch
seconds of the virtual clock.
"""

from __future__ import annotations

import bisect
import functools
import math
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

__all__ = [
    "MetricStore",
    "SeriesKey",
    "StatisticSet",
    "UnsupportedStatisticError",
    "VirtualClock",
    "parse_statistic",
    "series_key",
]

MINUTE = 60


class VirtualClock(Protocol):
    """The clock of the embedded region: virtual seconds are real seconds times `factor`."""

    @property
    def factor(self) -> float:
        """Virtual seconds a real second."""

    def now(self) -> float:
        """Epoch seconds of the virtual time."""

    def real_seconds(self, virtual_seconds: float) -> float:
        """How long a virtual duration lasts in reality."""

    def sleep(self, virtual: float, stop_event: threading.Event | None = None) -> bool:
        """Wait virtual seconds; True when `stop_event` was set before they had passed."""


class UnsupportedStatisticError(ValueError):
    """A statistic that is none of Sum, Average, Minimum, Maximum, SampleCount, pNN, PR(a:b)."""


class SeriesKey(NamedTuple):
    """What identifies a metric: custom dimensions never roll up, so the set counts as a whole."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


class StatisticSet(NamedTuple):
    """A pre-aggregated data point; `values` are unknown unless it holds one distinct value."""

    samples: float
    total: float
    low: float
    high: float


def series_key(
    namespace: str, name: str, dimensions: Mapping[str, str] | Iterable[tuple[str, str]] = ()
) -> SeriesKey:
    """The key of a metric; dimensions in any order."""
    pairs = dimensions.items() if isinstance(dimensions, Mapping) else dimensions
    return SeriesKey(namespace, name, frozenset(pairs))


@dataclass
class Summary:
    """Aggregate of data points. `values` maps a value to how often it came, None once unknown."""

    count: float = 0.0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    values: dict[float, float] | None = field(default_factory=dict)

    def add(self, value: float, count: float = 1.0) -> None:
        """One value that came `count` times."""
        self.count += count
        self.total += value * count
        self.low = min(self.low, value)
        self.high = max(self.high, value)
        if self.values is not None:
            self.values[value] = self.values.get(value, 0.0) + count

    def add_set(self, point: StatisticSet) -> None:
        """A statistic set; percentiles of it exist only when it holds a single distinct value."""
        if point.samples <= 0:
            return
        if point.low == point.high:
            self.add(point.low, point.samples)
            return
        self.count += point.samples
        self.total += point.total
        self.low = min(self.low, point.low)
        self.high = max(self.high, point.high)
        self.values = None

    def merge(self, other: Summary) -> None:
        """Everything `other` holds."""
        self.count += other.count
        self.total += other.total
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)
        if other.values is None:
            self.values = None
        elif self.values is not None:
            for value, count in other.values.items():
                self.values[value] = self.values.get(value, 0.0) + count


Statistic = Callable[[Summary], float | None]

_SIMPLE: dict[str, Statistic] = {
    "Sum": lambda summary: summary.total,
    "Average": lambda summary: summary.total / summary.count,
    "Minimum": lambda summary: summary.low,
    "Maximum": lambda summary: summary.high,
    "SampleCount": lambda summary: summary.count,
}
_NUMBER = r"-?\d+(?:\.\d+)?"
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")
_RANK = re.compile(rf"PR\((?P<low>{_NUMBER})?:(?P<high>{_NUMBER})?\)")


@functools.cache
def parse_statistic(name: str) -> Statistic:
    """The function that computes a statistic from a non-empty summary.

    Raises `UnsupportedStatisticError` with the name of anything else. Percentiles are by nearest
    rank; PR counts values above the lower and up to the upper bound, in percent.
    """
    if name in _SIMPLE:
        return _SIMPLE[name]
    if match := _PERCENTILE.fullmatch(name):
        return functools.partial(_percentile, float(match[1]) / 100.0)
    if (match := _RANK.fullmatch(name)) and (match["low"] or match["high"]):
        low = float(match["low"]) if match["low"] else -math.inf
        high = float(match["high"]) if match["high"] else math.inf
        return functools.partial(_percentile_rank, low, high)
    raise UnsupportedStatisticError(
        f"statistic {name!r} is not supported: use Sum, Average, Minimum, Maximum, SampleCount, "
        "pNN or PR(low:high)"
    )


def _percentile(fraction: float, summary: Summary) -> float | None:
    if not summary.values:
        return None
    wanted = max(fraction * summary.count, 1e-12)
    seen = 0.0
    for value in sorted(summary.values):
        seen += summary.values[value]
        if seen >= wanted - 1e-9:
            return value
    return summary.high


def _percentile_rank(low: float, high: float, summary: Summary) -> float | None:
    if not summary.values:
        return None
    inside = sum(count for value, count in summary.values.items() if low < value <= high)
    return 100.0 * inside / summary.count


class _Series:
    """One metric's points in time order; the oldest go when there are too many."""

    def __init__(self, max_points: int) -> None:
        self._times: list[float] = []
        self._points: list[Summary] = []
        self._max_points = max_points

    def point(self, at: float) -> Summary:
        if self._times and at == self._times[-1]:
            return self._points[-1]
        index = bisect.bisect_left(self._times, at)
        if index < len(self._times) and self._times[index] == at:
            return self._points[index]
        point = Summary()
        self._times.insert(index, at)
        self._points.insert(index, point)
        if len(self._times) > self._max_points:
            drop = self._max_points // 10 + 1
            del self._times[:drop], self._points[:drop]
        return point

    def between(self, start: float, end: float) -> list[Summary]:
        first = bisect.bisect_left(self._times, start)
        return self._points[first : bisect.bisect_left(self._times, end, lo=first)]

    @property
    def last(self) -> float:
        return self._times[-1]


class MetricStore:
    """Thread-safe store of data points by metric, with bounded memory.

    `max_points` bounds the points kept of one metric (each at its storage resolution),
    `max_series` how many metrics there may be: one more is an error, since each would cost money.
    """

    def __init__(self, *, max_points: int = 20_000, max_series: int = 5_000) -> None:
        self._series: dict[SeriesKey, _Series] = {}
        self._lock = threading.Lock()
        self._max_points = max_points
        self._max_series = max_series

    def put(
        self,
        key: SeriesKey,
        value: float,
        *,
        at: float,
        count: float = 1.0,
        resolution: int = MINUTE,
    ) -> None:
        """One value, `count` times, at a storage resolution of 1 or 60 seconds."""
        with self._lock:
            self._point(key, at, resolution).add(float(value), float(count))

    def put_values(
        self,
        key: SeriesKey,
        values: Sequence[float],
        counts: Sequence[float] | None = None,
        *,
        at: float,
        resolution: int = MINUTE,
    ) -> None:
        """Several values with their counts (1 each). Raises `ValueError` on a mismatch."""
        with self._lock:
            point = self._point(key, at, resolution)
            for value, count in zip(values, counts or [1.0] * len(values), strict=True):
                point.add(float(value), float(count))

    def put_statistics(
        self, key: SeriesKey, point: StatisticSet, *, at: float, resolution: int = MINUTE
    ) -> None:
        """A statistic set."""
        with self._lock:
            self._point(key, at, resolution).add_set(point)

    def statistic(self, key: SeriesKey, name: str, start: float, end: float) -> float | None:
        """A statistic over the points in [start, end); None without points."""
        compute = parse_statistic(name)
        with self._lock:
            series = self._series.get(key)
            return None if series is None else _reduce(series.between(start, end), compute)

    def windows(
        self, key: SeriesKey, name: str, *, period: float, end: float, count: int
    ) -> list[float | None]:
        """A statistic over `count` adjoining windows of `period` seconds, the last ending at `end`.

        Oldest first; a window without points is None. `end` need not be a multiple of the period.
        """
        compute = parse_statistic(name)
        start = end - period * count
        with self._lock:
            series = self._series.get(key)
            if series is None:
                return [None] * count
            return [
                _reduce(series.between(start + i * period, start + (i + 1) * period), compute)
                for i in range(count)
            ]

    def last_at(self, key: SeriesKey) -> float | None:
        """When the newest point of a metric was stored, None without any."""
        with self._lock:
            series = self._series.get(key)
            return None if series is None else series.last

    def keys(self, namespace: str | None = None) -> list[SeriesKey]:
        """Every metric known, or those of one namespace."""
        with self._lock:
            return [key for key in self._series if namespace in (None, key.namespace)]

    def _point(self, key: SeriesKey, at: float, resolution: int) -> Summary:
        if resolution not in (1, MINUTE):
            raise ValueError(f"storage resolution is 1 or 60 seconds, not {resolution}")
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= self._max_series:
                raise ValueError(f"more than {self._max_series} metrics; the next is {key}")
            series = self._series[key] = _Series(self._max_points)
        return series.point(math.floor(at / resolution) * resolution)


def _reduce(points: list[Summary], compute: Statistic) -> float | None:
    if not points:
        return None
    if len(points) == 1:
        return compute(points[0]) if points[0].count else None
    whole = Summary()
    for point in points:
        whole.merge(point)
    return compute(whole) if whole.count else None
