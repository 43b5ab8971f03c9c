"""The table of tests: one entry a registration, and a head that lets one family grow by one.

All entries stand under one key, some twenty a year: one consistent query reads the whole ledger.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import ClientError

from canary.aws import clock
from canary.aws.items import from_item, to_item
from canary.ledger.entry import Entry, Settlement
from canary.ledger.registration import Registration

__all__ = ["AlreadyRegisteredError", "LedgerContendedError", "Registrations", "TakenError"]

_LEDGER = "LEDGER"
_OPEN = "OPEN"
_ATTEMPTS = 8
_PAUSE_SECONDS = 0.05
_FREE = "attribute_exists(pk) AND attribute_not_exists(settlement)"


class AlreadyRegisteredError(RuntimeError):
    """A test of that name was registered before; a registration is written once."""


class LedgerContendedError(RuntimeError):
    """Others registered at the same time, again and again: nothing was written."""


class TakenError(RuntimeError):
    """The test is not free: a release has taken it, or it is over."""


class Registrations:
    """Registrations are immutable; a release and a settlement are added to one once each."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def entries(self) -> tuple[Entry, ...]:
        """Every test, read consistently, by name."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :kind)",
            ExpressionAttributeValues=to_item({":pk": _LEDGER, ":kind": "TEST#"}),
            ConsistentRead=True,
        )
        return tuple(Entry.from_dict(from_item(item)) for page in pages for item in page["Items"])

    def find(self, test_id: str) -> Entry | None:
        """The entry of one test, read consistently."""
        answer = self._client.get_item(
            TableName=self._table, Key=to_item(_key(test_id)), ConsistentRead=True
        )
        return Entry.from_dict(from_item(answer["Item"])) if "Item" in answer else None

    def reserve(
        self, registration: Registration, plan: Callable[[Sequence[Entry]], Entry]
    ) -> Entry:
        """Write the entry that `plan` makes of the whole ledger, and move its family's head on.

        The head counts the family's tests and must still be one short of the entry's number: of
        two that read the same ledger one is refused, reads again and plans anew. Raises
        `AlreadyRegisteredError`, and `LedgerContendedError` when that never ends.
        """
        for attempt in range(_ATTEMPTS):
            entry = plan(self.entries())
            try:
                self._client.transact_write_items(
                    TransactItems=[
                        {"Put": self._put(entry, "attribute_not_exists(pk)")},
                        {"Put": self._next_head(entry)},
                    ]
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionCanceledException":
                    raise
                if self.find(registration.test_id) is not None:
                    raise AlreadyRegisteredError(
                        f"{registration.test_id} was registered before; choose another test id"
                    ) from error
                clock.sleep(_PAUSE_SECONDS * attempt)
                continue
            return entry
        raise LedgerContendedError(
            f"{registration.test_id}: others registered at the same time; try again"
        )

    def claim(self, entry: Entry, release_id: str, at: float) -> list[dict[str, Any]]:
        """The writes that give a test to a release, for the transaction that admits it at `at`.

        The first fails when another release has it already; the second keeps the test on the list
        of those to be settled.
        """
        taken = dataclasses.replace(entry, release_id=release_id, started_at=at)
        wanted = f"{_FREE} AND attribute_not_exists(release_id)"
        place = {"pk": _OPEN, "sk": release_id, "test_id": entry.test_id}
        return [
            {"Put": self._put(taken, wanted)},
            {"Put": {"TableName": self._table, "Item": to_item(place)}},
        ]

    def unclaim(self, entry: Entry, release_id: str) -> list[dict[str, Any]]:
        """The writes that undo `claim`, for the transaction that takes an admission back."""
        free = dataclasses.replace(entry, release_id="", started_at=None)
        values = to_item({":mine": release_id})
        place = {"pk": _OPEN, "sk": release_id}
        given_back = self._put(free, f"{_FREE} AND release_id = :mine")
        return [
            {"Put": given_back | {"ExpressionAttributeValues": values}},
            {"Delete": {"TableName": self._table, "Key": to_item(place)}},
        ]

    def open_tests(self) -> tuple[tuple[str, str], ...]:
        """The releases that have taken a test that is not settled: release and test."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": _OPEN}),
            ConsistentRead=True,
        )
        items = [from_item(item) for page in pages for item in page["Items"]]
        return tuple((item["sk"], item["test_id"]) for item in items)

    def settle(self, test_id: str, release_id: str, settlement: Settlement) -> None:
        """Write the end of a release's test, once, and take it off the list of open ones.

        Raises `LookupError` when the test is not that release's.
        """
        entry = self.find(test_id)
        if entry is None or entry.release_id != release_id:
            raise LookupError(f"{test_id} is not the test of {release_id}")
        self._end(dataclasses.replace(entry, settlement=settlement), _FREE)
        place = {"pk": _OPEN, "sk": release_id}
        self._client.delete_item(TableName=self._table, Key=to_item(place))

    def abandon(self, entry: Entry, settlement: Settlement) -> None:
        """Settle a test that no release has taken. Raises `TakenError`."""
        ended = dataclasses.replace(entry, settlement=settlement)
        if not self._end(ended, f"{_FREE} AND attribute_not_exists(release_id)"):
            raise TakenError(f"{entry.test_id} was taken by a release, or is over already")

    def _end(self, entry: Entry, condition: str) -> bool:
        try:
            self._client.put_item(
                TableName=self._table, Item=_item(entry), ConditionExpression=condition
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _put(self, entry: Entry, condition: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Item": _item(entry),
            "ConditionExpression": condition,
        }

    def _next_head(self, entry: Entry) -> dict[str, Any]:
        """The head after this entry, if the family still has one test less."""
        head: dict[str, Any] = {"pk": _LEDGER, "sk": f"HEAD#{entry.family}", "tests": entry.number}
        put: dict[str, Any] = {"TableName": self._table, "Item": to_item(head)}
        if entry.number == 1:
            return put | {"ConditionExpression": "attribute_not_exists(pk)"}
        return put | {
            "ConditionExpression": "tests = :before",
            "ExpressionAttributeValues": to_item({":before": entry.number - 1}),
        }


def _item(entry: Entry) -> dict[str, Any]:
    """What is not there yet is absent: conditions ask for that."""
    values = {name: value for name, value in entry.to_dict().items() if value not in ("", None)}
    return to_item(_key(entry.test_id) | values)


def _key(test_id: str) -> dict[str, str]:
    return {"pk": _LEDGER, "sk": f"TEST#{test_id}"}
