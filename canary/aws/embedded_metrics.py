"""Lines of a task's standard output that CloudWatch Logs reads as metrics."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["metric_line", "write"]


def metric_line(
    namespace: str,
    arm: str,
    now: float,
    values: Mapping[str, float],
    properties: Mapping[str, Any],
) -> dict[str, Any]:
    """One arm's figures in the embedded metric format; `properties` are no dimensions.

    `now` is epoch seconds; values are counts, kept by the second
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
    """
    metrics = [{"Name": name, "Unit": "Count", "StorageResolution": 1} for name in values]
    directive = {"Namespace": namespace, "Dimensions": [["Arm"]], "Metrics": metrics}
    return {
        "_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]},
        "Arm": arm,
        **values,
        **properties,
    }


def write(line: Mapping[str, Any]) -> None:
    """Write one line in one call and flush it: what is written must not be lost."""
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()
