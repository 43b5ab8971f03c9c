"""The table of releases: the record, the lock, attestations."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from canary.aws.items import from_item, to_item
from canary.release.model import ReleaseState, SafeArm

__all__ = ["Attestation", "Lock", "LockHeldError", "Releases", "StaleRecordError"]

_LOCK_KEY = {"pk": "LOCK#release", "sk": "LOCK"}
_REFUSED = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException"})


class StaleRecordError(RuntimeError):
    """Someone wrote the record since it was read: read it again."""


class LockHeldError(RuntimeError):
    """Another release is active, or this one was admitted before."""


@dataclass(frozen=True)
class Lock:
    """What a rollback needs to know at once: which release, and where traffic is safe."""

    release_id: str
    safe_arm: SafeArm
    control_header_on_canary: bool


@dataclass(frozen=True)
class Attestation:
    """A task's word for the model it loaded, with a call that worked; `started_at` is epoch."""

    task_arn: str
    model_id: str
    started_at: float


class Releases:
    """Every write of a record is conditional on its version; the lock follows in a transaction."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def lock(self) -> Lock | None:
        """The lock, read consistently; None when no release is active."""
        item = self._get(_LOCK_KEY)
        if item is None:
            return None
        return Lock(
            release_id=item["release_id"],
            safe_arm=item.get("safe_arm", "primary"),
            control_header_on_canary=bool(item.get("control_header_on_canary")),
        )

    def load(self, release_id: str) -> ReleaseState | None:
        """The record of one release, read consistently."""
        item = self._get(_record_key(release_id))
        return ReleaseState.from_dict(item) if item else None

    def active(self) -> ReleaseState | None:
        """The record of the release that holds the lock."""
        lock = self.lock()
        return self.load(lock.release_id) if lock else None

    def create(self, state: ReleaseState, also: Sequence[dict[str, Any]] = ()) -> ReleaseState:
        """Take the lock and write the first record, or neither; raises `LockHeldError`.

        `also` are further writes of the same transaction: the release takes its test with them,
        and holds its candidate's past to what was read.
        """
        state = dataclasses.replace(state, version=1)
        try:
            self._client.transact_write_items(
                TransactItems=[
                    self._put(_LOCK_KEY | _lock_fields(state), "attribute_not_exists(pk)"),
                    self._put(_record_item(state), "attribute_not_exists(pk)"),
                    *also,
                ]
            )
        except ClientError as error:
            why = (
                "a release is active, or its test was taken, a rollback was recorded or its "
                "override was used meanwhile: start it again"
            )
            _raise_if_refused(error, LockHeldError(f"{state.release_id}: {why}"))
            raise
        return state

    def withdraw(self, first: ReleaseState, also: Sequence[dict[str, Any]] = ()) -> None:
        """Give the lock back and forget the record that `create` wrote, or neither.

        `also` are the writes that give back what else the release had taken. Raises
        `StaleRecordError` when the record has moved on since.
        """
        mine = {":mine": first.release_id}
        try:
            self._client.transact_write_items(
                TransactItems=[
                    self._delete(_LOCK_KEY, "release_id = :mine", mine),
                    self._delete(
                        _record_key(first.release_id),
                        "#version = :version",
                        {":version": first.version},
                        "version",
                    ),
                    *also,
                ]
            )
        except ClientError as error:
            _raise_if_refused(error, StaleRecordError(f"{first.release_id}@{first.version}"))
            raise

    def save(self, before: ReleaseState, after: ReleaseState) -> ReleaseState:
        """Write `after` over `before`; raises `StaleRecordError` when the record has moved on.

        The lock is rewritten when what it says changes, and deleted when the release is over.
        """
        after = dataclasses.replace(after, version=before.version + 1)
        record = self._put(
            _record_item(after), "#version = :version", {":version": before.version}, "version"
        )
        items = [record, *self._lock_change(before, after)]
        try:
            self._client.transact_write_items(TransactItems=items)
        except ClientError as error:
            _raise_if_refused(error, StaleRecordError(f"{before.release_id}@{before.version}"))
            raise
        return after

    def attestations(self, task_set: str) -> tuple[Attestation, ...]:
        """What the tasks of a set have attested."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": f"ATTEST#{task_set}"}),
            ConsistentRead=True,
        )
        items = [from_item(item) for page in pages for item in page["Items"]]
        return tuple(
            Attestation(item["sk"], item["model_id"], float(item["started_at"])) for item in items
        )

    def _get(self, key: dict[str, str]) -> dict[str, Any] | None:
        answer = self._client.get_item(TableName=self._table, Key=to_item(key), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def _lock_change(self, before: ReleaseState, after: ReleaseState) -> list[dict[str, Any]]:
        if after.terminal:
            if before.terminal:
                return []
            mine = {":mine": after.release_id}
            return [self._delete(_LOCK_KEY, "attribute_not_exists(pk) OR release_id = :mine", mine)]
        if _lock_fields(before) == _lock_fields(after):
            return []
        return [
            self._put(
                _LOCK_KEY | _lock_fields(after),
                "#release_id = :mine",
                {":mine": after.release_id},
                "release_id",
            )
        ]

    def _put(
        self,
        item: dict[str, Any],
        condition: str,
        values: dict[str, Any] | None = None,
        name: str = "",
    ) -> dict[str, Any]:
        put: dict[str, Any] = {
            "TableName": self._table,
            "Item": to_item(item),
            "ConditionExpression": condition,
        }
        if values:
            put["ExpressionAttributeValues"] = to_item(values)
        if name:
            put["ExpressionAttributeNames"] = {f"#{name}": name}
        return {"Put": put}

    def _delete(
        self, key: dict[str, str], condition: str, values: dict[str, Any], name: str = ""
    ) -> dict[str, Any]:
        delete: dict[str, Any] = {
            "TableName": self._table,
            "Key": to_item(key),
            "ConditionExpression": condition,
            "ExpressionAttributeValues": to_item(values),
        }
        if name:
            delete["ExpressionAttributeNames"] = {f"#{name}": name}
        return {"Delete": delete}


def _record_key(release_id: str) -> dict[str, str]:
    return {"pk": f"RELEASE#{release_id}", "sk": "RECORD"}


def _record_item(state: ReleaseState) -> dict[str, Any]:
    return _record_key(state.release_id) | state.to_dict()


def _lock_fields(state: ReleaseState) -> dict[str, Any]:
    return {
        "release_id": state.release_id,
        "safe_arm": state.safe_arm,
        "control_header_on_canary": state.control_header_on_canary,
        "acquired_at": state.admitted_at,
    }


def _raise_if_refused(error: ClientError, instead: Exception) -> None:
    code = error.response["Error"]["Code"]
    reasons = error.response.get("CancellationReasons", [])
    conflict = any(reason.get("Code") == "TransactionConflict" for reason in reasons)
    if code in _REFUSED and not conflict:
        raise instead from error
    if code in _REFUSED:
        raise StaleRecordError("a concurrent write was under way") from error
