"""The table of rollbacks: what was done about one release, ticked off step by step."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from canary.aws import clock
from canary.aws.items import from_item, to_item

__all__ = ["AnsweredError", "Owed", "RollbackRecord", "Rollbacks", "iso"]


Owed = Literal["answer", "root_cause", "drill"]
"""What a person owes a rollback: whether it was justified, and why it came to it.

`drill` is owed by a drill: that it looks at what its own rollback has done.
"""


class AnsweredError(RuntimeError):
    """Somebody has said already whether the rollback was justified."""


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
        """Find the rollback of a release, or write its first item with `fields`.

        With it what a person owes it from now on: an answer, and after a strike the root cause. A
        drill's is owed nothing but the drill's own look.
        """
        if found := self.find(release_id):
            return found
        opened_at = iso(clock.now())
        first = {"pk": f"ROLLBACK#{release_id}", "sk": opened_at, "steps": {}} | fields
        owed: tuple[Owed, ...] = ("answer", "root_cause") if fields.get("strike") else ("answer",)
        if fields.get("drill"):
            owed = ("drill",)
        writes = [
            self._put(_owed_key(what, release_id) | {"opened_at": opened_at}) for what in owed
        ]
        # The items are there as long as nobody has answered: two rollbacks cannot open at once.
        writes[0]["Put"]["ConditionExpression"] = "attribute_not_exists(pk)"
        with contextlib.suppress(self._client.exceptions.TransactionCanceledException):
            self._client.transact_write_items(TransactItems=[self._put(first), *writes])
        found = self.find(release_id)
        if found is None:
            raise LookupError(f"the rollback of {release_id} was to be written and is not there")
        return found

    def tick(self, record: RollbackRecord, step: str) -> None:
        """Note that a step is done."""
        self._update(
            record, "steps.#name = if_not_exists(steps.#name, :value)", step, iso(clock.now())
        )

    def set(self, record: RollbackRecord, name: str, value: Any) -> None:
        """Write one attribute of the rollback."""
        self._update(record, "#name = :value", name, value)

    def answer(self, record: RollbackRecord, answer: dict[str, Any]) -> None:
        """Keep what a person says of the rollback, once; raises `AnsweredError` afterwards."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(record),
                UpdateExpression="SET answer = :answer",
                ConditionExpression="attribute_not_exists(answer)",
                ExpressionAttributeValues=to_item({":answer": answer}),
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise AnsweredError(record.release_id) from error
        finally:  # whoever answered may have died before this
            self.pay("answer", record.release_id)

    def pay(self, what: Owed, release_id: str) -> None:
        """A person does not owe this any more; saying so again changes nothing."""
        self._client.delete_item(TableName=self._table, Key=to_item(_owed_key(what, release_id)))

    def owed_since(self, what: Owed) -> float | None:
        """Since when (epoch seconds) the oldest of these is owed; None when none is."""
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": f"OWED#{what}"}),
        )
        opened = [str(from_item(item)["opened_at"]) for item in answer["Items"]]
        return dt.datetime.fromisoformat(min(opened)).timestamp() if opened else None

    def _put(self, item: dict[str, Any]) -> dict[str, Any]:
        return {"Put": {"TableName": self._table, "Item": to_item(item)}}

    def _update(self, record: RollbackRecord, expression: str, name: str, value: Any) -> None:
        self._client.update_item(
            TableName=self._table,
            Key=_key(record),
            UpdateExpression=f"SET {expression}",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues=to_item({":value": value}),
        )


def _owed_key(what: Owed, release_id: str) -> dict[str, Any]:
    return {"pk": f"OWED#{what}", "sk": release_id}


def _key(record: RollbackRecord) -> dict[str, Any]:
    return to_item({"pk": f"ROLLBACK#{record.release_id}", "sk": record.opened_at})


def iso(epoch: float) -> str:
    """An epoch time as ISO 8601 in UTC, with microseconds."""
    return dt.datetime.fromtimestamp(epoch, tz=dt.UTC).isoformat(timespec="microseconds")
