"""The states of the guardrail alarms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["PREFIXES", "Alarms"]

PREFIXES = ("canary-", "shared-")


class Alarms:
    """Reads alarm states; an alarm acts on its transition only, so whoever moves must ask."""

    def __init__(self, client: Any, critical: str = "canary-critical") -> None:
        self._client = client
        self._critical = critical

    def states(self) -> Mapping[str, str]:
        """Each guardrail alarm's name and state: OK, ALARM or INSUFFICIENT_DATA."""
        found: dict[str, str] = {}
        paginator = self._client.get_paginator("describe_alarms")
        for prefix in PREFIXES:
            pages = paginator.paginate(
                AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
            for page in pages:
                for alarm in page.get("MetricAlarms", []) + page.get("CompositeAlarms", []):
                    found[alarm["AlarmName"]] = alarm["StateValue"]
        return dict(sorted(found.items()))

    def critical(self) -> bool:
        """Whether the critical composite is in ALARM."""
        answer = self._client.describe_alarms(
            AlarmNames=[self._critical], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        alarms = answer.get("MetricAlarms", []) + answer.get("CompositeAlarms", [])
        return any(alarm["StateValue"] == "ALARM" for alarm in alarms)
