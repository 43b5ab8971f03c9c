"""The embedded metric format: log lines that carry metrics, published as CloudWatch Logs does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canary.local.metrics import MetricStore, series_key

__all__ = ["EmbeddedMetricError", "publish"]

MAX_DIMENSIONS = 30
MAX_VALUES = 100


class EmbeddedMetricError(ValueError):
    """A line that says it carries metrics and is not of the format; AWS drops it silently."""


def publish(store: MetricStore, line: Mapping[str, Any]) -> int:
    """Store every metric of a parsed line for each of its dimension sets; how many points.

    A metric named but not in the line is left out, as on AWS. Raises `EmbeddedMetricError`.
    """
    try:
        root = line["_aws"]
        at = float(root["Timestamp"]) / 1000.0
        directives = root["CloudWatchMetrics"]
        return sum(_directive(store, line, directive, at) for directive in directives)
    except (KeyError, TypeError) as error:
        raise EmbeddedMetricError(f"not the embedded metric format: {error!r}") from error


def _directive(
    store: MetricStore, line: Mapping[str, Any], directive: Mapping[str, Any], at: float
) -> int:
    points = 0
    for names in directive["Dimensions"]:
        if len(names) > MAX_DIMENSIONS:
            raise EmbeddedMetricError(f"{len(names)} dimensions in a set")
        if missing := [name for name in names if name not in line]:
            raise EmbeddedMetricError(f"dimensions {missing} have no value in the line")
        dimensions = [(name, str(line[name])) for name in names]
        for metric in directive["Metrics"]:
            values = _values(metric["Name"], line.get(metric["Name"]))
            if values:
                key = series_key(directive["Namespace"], metric["Name"], dimensions)
                resolution = int(metric.get("StorageResolution", 60))
                store.put_values(key, values, at=at, resolution=resolution)
                points += 1
    return points


def _values(name: str, found: Any) -> list[float]:
    if found is None:
        return []
    values = found if isinstance(found, list) else [found]
    if len(values) > MAX_VALUES:
        raise EmbeddedMetricError(f"{name} has {len(values)} values")
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in values):
        raise EmbeddedMetricError(f"{name} is not a number")
    return [float(each) for each in values]
