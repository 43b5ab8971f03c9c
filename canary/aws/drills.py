"""What is kept of drills in the table of releases: each one's report, and the last that passed."""

from __future__ import annotations

from typing import Any

from canary.aws.items import from_item, to_item
from canary.release.drill import DrillReport

__all__ = ["Drills"]

_LAST = {"pk": "DRILL", "sk": "LAST_PASSED"}


class Drills:
    """Reports under `DRILL#{drill_id}`, written again at each step."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def write(self, report: DrillReport) -> None:
        """Keep how far the drill is; one that passed is the last one from then on."""
        self._put(_report_key(report.drill_id) | report.to_dict())
        if report.outcome == "passed":
            self._put(_LAST | {"drill_id": report.drill_id, "at": report.ended_at})

    def find(self, drill_id: str) -> dict[str, Any] | None:
        """What was last written of a drill, read consistently; None before its first word."""
        key = _report_key(drill_id)
        item = self._get(key)
        return {name: value for name, value in item.items() if name not in key} if item else None

    def last_passed_at(self) -> float | None:
        """When the last drill passed (epoch seconds), None when none has."""
        item = self._get(_LAST)
        return float(item["at"]) if item else None

    def _put(self, item: dict[str, Any]) -> None:
        self._client.put_item(TableName=self._table, Item=to_item(item))

    def _get(self, key: dict[str, str]) -> dict[str, Any] | None:
        answer = self._client.get_item(TableName=self._table, Key=to_item(key), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None


def _report_key(drill_id: str) -> dict[str, str]:
    return {"pk": f"DRILL#{drill_id}", "sk": "REPORT"}
