"""The namespace `MangaAssist/Canary`: publish values, and sum counters over a window."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

from canary.aws import clock

__all__ = ["Metrics"]

ARMS = ("control", "canary")
_MOST_DATUMS = 1000
_MOST_POINTS = 1000


class Metrics:
    """CloudWatch metrics of one namespace."""

    def __init__(self, client: Any, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    def put(self, values: Mapping[str, float]) -> None:
        """Publish values without dimensions, by name, stamped now."""
        self._send([self._datum(name, value) for name, value in values.items()])

    def put_by_arm(self, values: Mapping[str, Mapping[str, float]]) -> None:
        """Publish `{metric: {arm: value}}` with dimension `Arm`, stamped now."""
        self._send(
            [
                self._datum(name, value, arm)
                for name, by_arm in values.items()
                for arm, value in by_arm.items()
            ]
        )

    def sums(self, names: Sequence[str], start: float, end: float) -> dict[str, dict[str, float]]:
        """`{metric: {arm: sum}}` of counters between two epoch times; no data is 0."""
        queries = {
            f"m{index}{arm}": (name, arm) for index, name in enumerate(names) for arm in ARMS
        }
        totals = {name: dict.fromkeys(ARMS, 0.0) for name in names}
        if not queries or end <= start:
            return totals
        period = max(60, 60 * math.ceil((end - start) / 60 / _MOST_POINTS))
        pages = self._client.get_paginator("get_metric_data").paginate(
            StartTime=_moment(start),
            EndTime=_moment(end),
            MetricDataQueries=[
                {
                    "Id": key,
                    "MetricStat": {
                        "Metric": {
                            "Namespace": self._namespace,
                            "MetricName": name,
                            "Dimensions": [{"Name": "Arm", "Value": arm}],
                        },
                        "Period": period,
                        "Stat": "Sum",
                    },
                }
                for key, (name, arm) in queries.items()
            ],
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                name, arm = queries[result["Id"]]
                totals[name][arm] += sum(result["Values"])
        return totals

    def _datum(self, name: str, value: float, arm: str = "") -> dict[str, Any]:
        datum: dict[str, Any] = {
            "MetricName": name,
            "Value": float(value),
            "Timestamp": _moment(clock.now()),
        }
        if arm:
            datum["Dimensions"] = [{"Name": "Arm", "Value": arm}]
        return datum

    def _send(self, datums: list[dict[str, Any]]) -> None:
        for start in range(0, len(datums), _MOST_DATUMS):
            self._client.put_metric_data(
                Namespace=self._namespace, MetricData=datums[start : start + _MOST_DATUMS]
            )


def _moment(epoch: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch, tz=dt.UTC)
