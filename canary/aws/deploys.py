"""What the deploy guard remembers: for each stack, the digest that it accepted last."""

from __future__ import annotations

from typing import Any

from canary.aws import clock
from canary.aws.items import from_item, to_item

__all__ = ["Deploys"]


class Deploys:
    """Items `GUARD#{stack}` of the table of releases."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def accepted(self, stack: str) -> str | None:
        """The digest accepted last; None before the first."""
        answer = self._client.get_item(
            TableName=self._table, Key=to_item(_key(stack)), ConsistentRead=True
        )
        return str(from_item(answer["Item"])["digest"]) if "Item" in answer else None

    def accept(self, stack: str, digest: str) -> None:
        """Remember the digest from now on."""
        item = _key(stack) | {"digest": digest, "accepted_at": clock.now()}
        self._client.put_item(TableName=self._table, Item=to_item(item))


def _key(stack: str) -> dict[str, str]:
    return {"pk": f"GUARD#{stack}", "sk": "GUARD"}
