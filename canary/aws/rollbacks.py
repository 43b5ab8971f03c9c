"""The table of rollbacks: what was done about one release, ticked off step by step."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.items import from_item, to_item

__all__ = ["RollbackRecord", "Rollbacks", "iso"]


@dataclass(frozen=True)
class RollbackRecord:
    """One rollback; `steps` maps each step that is done to when it was."""

    release_id: str
    opened_at: str
    fields: dict[str, Any]
    steps: dict[str, str]

    def age(self, now: float) -> float:
        """Seconds since it was opened, at epoch second `now`."""
        return now - dt.datetime.fromisoformat(self.opened_at).timestamp()


class Rollbacks:
    """A release has one rollback: whoever opens it later finds the first."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def find(self, release_id: str) -> RollbackRecord | None:
        """The rollback of a release, if it was opened."""
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": f"ROLLBACK#{release_id}"}),
            ConsistentRead=True,
            Limit=1,
        )
        if not answer["Items"]:
            return None
        item = from_item(answer["Items"][0])
        return RollbackRecord(release_id, item["sk"], item, item.get("steps", {}))

    def open(self, release_id: str, fields: dict[str, Any]) -> RollbackRecord:
        """Find the rollback of a release, or write its first item with `fields`."""
        if found := self.find(release_id):
            return found
        self._client.put_item(
            TableName=self._table,
            Item=to_item(
                {"pk": f"ROLLBACK#{release_id}", "sk": iso(clock.now()), "steps": {}} | fields
            ),
        )
        found = self.find(release_id)
        if found is None:
            raise LookupError(f"the rollback of {release_id} was written and is not there")
        return found

    def tick(self, record: RollbackRecord, step: str) -> None:
        """Note that a step is done."""
        self._update(
            record, "steps.#name = if_not_exists(steps.#name, :value)", step, iso(clock.now())
        )

    def set(self, record: RollbackRecord, name: str, value: Any) -> None:
        """Write one attribute of the rollback."""
        self._update(record, "#name = :value", name, value)

    def _update(self, record: RollbackRecord, expression: str, name: str, value: Any) -> None:
        self._client.update_item(
            TableName=self._table,
            Key=to_item({"pk": f"ROLLBACK#{record.release_id}", "sk": record.opened_at}),
            UpdateExpression=f"SET {expression}",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues=to_item({":value": value}),
        )


def iso(epoch: float) -> str:
    """An epoch time as ISO 8601 in UTC, with microseconds."""
    return dt.datetime.fromtimestamp(epoch, tz=dt.UTC).isoformat(timespec="microseconds")
