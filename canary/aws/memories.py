"""What the table of releases remembers of candidates: rollbacks, root causes, overrides.

Nothing here is ever overwritten unseen: a memory is written on the version that was read, a filing
and an override once, a review and a use once onto each.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from canary.aws.items import from_item, to_item
from canary.aws.records import Releases
from canary.policy.compiled import AntiFlapping
from canary.release.memory import (
    CandidateMemory,
    LastStrike,
    Override,
    Past,
    Rollback,
    RootCause,
    remembered,
)
from canary.release.model import ReleaseState

__all__ = ["Memories", "MemoryChangedError"]

_LAST_STRIKE = {"pk": "LOCK#release", "sk": "LAST_STRIKE"}
_ATTEMPTS = 4
_LISTED = "pk, sk, rollbacks, rejected, version, root_cause, given"
"""Attributes that a whole candidate is read with: documents stay where they are."""


class MemoryChangedError(RuntimeError):
    """Someone else wrote first: what was read is no longer so, and nothing was written."""


class Memories:
    """One candidate's items under `CANDIDATE#{model}`, and the region's last strike."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def candidate(self, model_id: str) -> CandidateMemory:
        """The rollbacks of a candidate, read consistently."""
        return _candidate(self._get(_memory_key(model_id)))

    def last_strike(self) -> LastStrike:
        """The region's last strike, read consistently."""
        item = self._get(_LAST_STRIKE)
        return LastStrike(**_fields(LastStrike, item)) if item else LastStrike()

    def past(self, model_id: str, releases: Releases) -> Past:
        """Everything that is known of a candidate, and of the region's last strike.

        The record of the release after that strike, in `releases`, tells whether it went well.
        """
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": f"CANDIDATE#{model_id}"}),
            ProjectionExpression=_LISTED,
            ConsistentRead=True,
        )
        items = [from_item(item) for page in pages for item in page["Items"]]
        memory = next((item for item in items if item["sk"] == "MEMORY"), {})
        last = self.last_strike()
        follower = releases.load(last.followed_by) if last.followed_by else None
        return Past(
            candidate=_candidate(memory),
            last=last,
            followed_well=follower is not None and follower.stage > 1,
            root_causes=tuple(
                RootCause(**_fields(RootCause, item["root_cause"]))
                for item in items
                if "root_cause" in item
            ),
            overrides=tuple(
                Override(**_fields(Override, item["given"])) for item in items if "given" in item
            ),
        )

    def remember(
        self, model_id: str, rollback: Rollback, rule: AntiFlapping, *, rejected: bool = False
    ) -> CandidateMemory:
        """Add a rollback, once a release, and with a strike the region's last one, together.

        Raises `MemoryChangedError` when others keep writing the same memory.
        """
        for _ in range(_ATTEMPTS):
            known, last = self.candidate(model_id), self.last_strike()
            after = remembered(known, rollback, rule, rejected=rejected)
            if after is known:
                return known
            item = _memory_key(model_id) | dataclasses.asdict(after)
            writes = [{"Put": self._put(item, known.version)}]
            if rollback.strike and rollback.at >= last.at:
                struck = LastStrike(
                    rollback.release_id, model_id, rollback.at, version=last.version + 1
                )
                item = _LAST_STRIKE | dataclasses.asdict(struck)
                writes.append({"Put": self._put(item, last.version)})
            try:
                self._client.transact_write_items(TransactItems=writes)
            except ClientError as error:
                if not _refused(error):
                    raise
                continue
            return after
        raise MemoryChangedError(f"{model_id}: others keep writing its memory")

    def admission(self, past: Past, first: ReleaseState) -> list[dict[str, Any]]:
        """The writes that hold the admission of `first` to what was read of the past.

        They belong into the transaction that takes the lock. The candidate's memory and the
        region's last strike must be as they were; the release follows that strike, and the
        override that it uses is used up.
        """
        key, known = _memory_key(first.candidate), past.candidate.version
        check = {"TableName": self._table, "Key": to_item(key)} | _unchanged(known)
        last = past.last
        followed_by = last.followed_by if past.followed_well else first.release_id
        after = dataclasses.replace(last, followed_by=followed_by, version=last.version + 1)
        writes = [
            {"ConditionCheck": check},
            {"Put": self._put(_LAST_STRIKE | dataclasses.asdict(after), last.version)},
        ]
        if first.override:
            writes.append({"Put": self._spend(past, first, first.override)})
        return writes

    def unspend(self, past: Past, first: ReleaseState) -> list[dict[str, Any]]:
        """The write that undoes the use of an override, for an admission that is taken back.

        That the release follows the last strike may stay: a release without a record has not
        followed it well, and the next one takes its place.
        """
        if not first.override:
            return []
        wanted = first.override["override_id"]
        given = next(each for each in past.overrides if each.override_id == wanted)
        unused = dataclasses.replace(given, used_by="")
        item = _override_key(first.candidate, given.override_id)
        put = {
            "TableName": self._table,
            "Item": to_item({**item, "given": dataclasses.asdict(unused)}),
            "ConditionExpression": "given.used_by = :mine",
            "ExpressionAttributeValues": to_item({":mine": first.release_id}),
        }
        return [{"Put": put}]

    def _spend(self, past: Past, first: ReleaseState, use: Mapping[str, Any]) -> dict[str, Any]:
        """The override with its one use; it stays, as who gave it and who used it stay known."""
        given = next(each for each in past.overrides if each.override_id == use["override_id"])
        spent = dataclasses.replace(given, used_by=first.release_id)
        item = _override_key(first.candidate, given.override_id) | {
            "given": dataclasses.asdict(spent),
            "use": {**use, "at": first.admitted_at},
        }
        return {
            "TableName": self._table,
            "Item": to_item(item),
            "ConditionExpression": "given.used_by = :nobody",
            "ExpressionAttributeValues": to_item({":nobody": ""}),
        }

    def file(self, model_id: str, root_cause: RootCause, document: str) -> None:
        """Write a root cause with its document, once. Raises `MemoryChangedError`."""
        item = _root_cause_key(model_id, root_cause) | {
            "root_cause": dataclasses.asdict(root_cause),
            "document": document,
        }
        self._once(item, "attribute_not_exists(pk)", {}, "was filed meanwhile")

    def review(self, model_id: str, reviewed: RootCause) -> None:
        """Add a review to a root cause, once, and only someone else's than who filed it.

        Raises `MemoryChangedError`.
        """
        item = _root_cause_key(model_id, reviewed)
        document = self.document(model_id, reviewed)
        self._once(
            item | {"root_cause": dataclasses.asdict(reviewed), "document": document},
            "root_cause.digest = :digest AND root_cause.reviewed_by = :nobody "
            "AND root_cause.filed_by <> :me",
            {":digest": reviewed.digest, ":nobody": "", ":me": reviewed.reviewed_by},
            "was reviewed meanwhile",
        )

    def document(self, model_id: str, root_cause: RootCause) -> str:
        """The text of a filed root cause.

        Raises `ValueError` when it is not the text whose digest was filed.
        """
        item = self._get(_root_cause_key(model_id, root_cause)) or {}
        text = str(item.get("document", ""))
        if hashlib.sha256(text.encode()).hexdigest() != root_cause.digest:
            raise ValueError(f"the document of {root_cause.release_id} is not the one filed")
        return text

    def give(self, model_id: str, override: Override) -> None:
        """Write an override, once. Raises `MemoryChangedError`."""
        item: dict[str, Any] = {**_override_key(model_id, override.override_id)}
        item |= {"given": dataclasses.asdict(override)}
        self._once(item, "attribute_not_exists(pk)", {}, "exists already")

    def _get(self, key: dict[str, str]) -> dict[str, Any] | None:
        answer = self._client.get_item(TableName=self._table, Key=to_item(key), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def _put(self, item: dict[str, Any], version: int) -> dict[str, Any]:
        """A put over the version that was read; 0 is none, or one from before versions."""
        return {"TableName": self._table, "Item": to_item(item)} | _unchanged(version)

    def _once(
        self, item: dict[str, Any], condition: str, values: dict[str, Any], otherwise: str
    ) -> None:
        try:
            self._client.put_item(
                TableName=self._table,
                Item=to_item(item),
                ConditionExpression=condition,
                **({"ExpressionAttributeValues": to_item(values)} if values else {}),
            )
        except ClientError as error:
            if not _refused(error):
                raise
            raise MemoryChangedError(f"{item['sk']} {otherwise}: nothing was written") from error


def _unchanged(version: int) -> dict[str, Any]:
    if not version:
        return {"ConditionExpression": "attribute_not_exists(version)"}
    return {
        "ConditionExpression": "version = :known",
        "ExpressionAttributeValues": to_item({":known": version}),
    }


def _refused(error: ClientError) -> bool:
    code = error.response["Error"]["Code"]
    return code in ("ConditionalCheckFailedException", "TransactionCanceledException")


def _candidate(item: dict[str, Any] | None) -> CandidateMemory:
    item = item or {}
    return CandidateMemory(
        rollbacks=tuple(Rollback(**_fields(Rollback, each)) for each in item.get("rollbacks", ())),
        rejected=bool(item.get("rejected")),
        version=int(item.get("version", 0)),
    )


def _fields(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    known = {each.name for each in dataclasses.fields(kind)}
    return {name: value for name, value in values.items() if name in known}


def _memory_key(model_id: str) -> dict[str, str]:
    return {"pk": f"CANDIDATE#{model_id}", "sk": "MEMORY"}


def _root_cause_key(model_id: str, filed: RootCause) -> dict[str, str]:
    return {"pk": f"CANDIDATE#{model_id}", "sk": f"RCA#{filed.release_id}#{filed.number}"}


def _override_key(model_id: str, override_id: str) -> dict[str, str]:
    return {"pk": f"CANDIDATE#{model_id}", "sk": f"OVERRIDE#{override_id}"}
