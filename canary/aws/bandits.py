"""The table of bandits: what each intent has learned, what guardrails did, what was reviewed.

A state is written under the condition that nobody wrote one since it was read, together with what
was found on the way: of two that learn from the same stretch of time, one teaches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from canary.aws.items import from_item, to_item
from canary.aws.rollbacks import iso
from canary.bandits.plain import plain_finding, plain_review, plain_state, state_of
from canary.bandits.review import Review
from canary.bandits.revise import Finding
from canary.bandits.state import BanditState

__all__ = ["Bandits", "ContendedError", "KeptBandit"]


class ContendedError(RuntimeError):
    """Somebody else wrote the state in between; nothing was written."""


@dataclass(frozen=True)
class KeptBandit:
    """A state with the prompts that its arms stand for."""

    state: BanditState
    prompts: Mapping[str, str]


class Bandits:
    """One item an intent's state, and beside it one a finding and one a review."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def load(self, intent: str) -> KeptBandit | None:
        """What the intent has learned, read consistently; None before its first batch."""
        answer = self._client.get_item(
            TableName=self._table, Key=to_item(_key(intent, "STATE")), ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        item = from_item(answer["Item"])
        return KeptBandit(state_of(item["state"]), dict(item["prompts"]))

    def save(
        self, kept: KeptBandit, before: KeptBandit | None, findings: Iterable[Finding] = ()
    ) -> None:
        """Write a state that was made of `before`, and what was found. Raises `ContendedError`."""
        intent = kept.state.intent
        item = _key(intent, "STATE") | {
            "revision": kept.state.revision,
            "state": plain_state(kept.state),
            "prompts": dict(kept.prompts),
        }
        put: dict[str, Any] = {"TableName": self._table, "Item": to_item(item)}
        if before is None:
            put["ConditionExpression"] = "attribute_not_exists(pk)"
        else:
            put["ConditionExpression"] = "revision = :before"
            put["ExpressionAttributeValues"] = to_item({":before": before.state.revision})
        found = [
            {
                "TableName": self._table,
                "Item": to_item(
                    _key(intent, f"FINDING#{iso(each.at)}#{each.arm}#{each.what}")
                    | plain_finding(each)
                ),
            }
            for each in findings
        ]
        try:
            self._client.transact_write_items(
                TransactItems=[{"Put": each} for each in (put, *found)]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            raise ContendedError(f"{intent}: its state was written by another run") from error

    def record(self, found: Review, by: str) -> None:
        """Keep a review that somebody made."""
        item = _key(found.intent, f"REVIEW#{iso(found.at)}") | plain_review(found) | {"by": by}
        self._client.put_item(TableName=self._table, Item=to_item(item))

    def history(self, intent: str, kind: str) -> tuple[dict[str, Any], ...]:
        """The intent's items of a kind, `FINDING` or `REVIEW`, the oldest first."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :kind)",
            ExpressionAttributeValues=to_item({":pk": f"BANDIT#{intent}", ":kind": f"{kind}#"}),
            ConsistentRead=True,
        )
        items = [from_item(item) for page in pages for item in page["Items"]]
        return tuple(
            {name: value for name, value in item.items() if name not in ("pk", "sk")}
            for item in items
        )


def _key(intent: str, kind: str) -> dict[str, Any]:
    return {"pk": f"BANDIT#{intent}", "sk": kind}
