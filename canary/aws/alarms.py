"""The states of the guardrail alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in self._all()}

    def raised(self) -> Mapping[str, float]:
        """The guardrail alarms in ALARM, and since when (epoch seconds)."""
        return {
            alarm["AlarmName"]: (
                alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
            ).timestamp()
            for alarm in self._all()
            if alarm["StateValue"] == "ALARM"
        }

    def critical(self) -> bool:
        """Whether the critical composite is in ALARM."""
        answer = self._client.describe_alarms(
            AlarmNames=[self._critical], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        alarms = answer.get("MetricAlarms", []) + answer.get("CompositeAlarms", [])
        return any(alarm["StateValue"] == "ALARM" for alarm in alarms)

    def _all(self) -> Iterator[dict[str, Any]]:
        paginator = self._client.get_paginator("describe_alarms")
        for prefix in PREFIXES:
            pages = paginator.paginate(
                AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
            for page in pages:
                yield from page.get("MetricAlarms", [])
                yield from page.get("CompositeAlarms", [])
