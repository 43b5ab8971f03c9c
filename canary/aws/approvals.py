"""The question that a release waits on: its task token, and the pipeline execution that asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.items import from_item, to_item

__all__ = ["Approval", "Approvals"]


@dataclass(frozen=True)
class Approval:
    """One question; `execution_id` is empty until the pipeline was started, times are epoch."""

    release_id: str
    task_token: str
    asked_at: float
    execution_id: str = ""


class Approvals:
    """Items `TOKEN#{release_id}` of the table of releases; a new question replaces the last one."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def ask(self, release_id: str, task_token: str) -> Approval:
        """Keep the task token of the state that waits, before anybody can answer."""
        approval = Approval(release_id, task_token, clock.now())
        self._write(approval)
        return approval

    def asked_by(self, approval: Approval, execution_id: str) -> None:
        """Note the pipeline execution whose answer counts for this question."""
        self._write(
            Approval(approval.release_id, approval.task_token, approval.asked_at, execution_id)
        )

    def find(self, release_id: str) -> Approval | None:
        """The last question of a release, read consistently."""
        answer = self._client.get_item(
            TableName=self._table, Key=to_item(_key(release_id)), ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        item = from_item(answer["Item"])
        return Approval(
            release_id,
            str(item["task_token"]),
            float(item["asked_at"]),
            str(item.get("execution_id", "")),
        )

    def _write(self, approval: Approval) -> None:
        self._client.put_item(
            TableName=self._table,
            Item=to_item(
                _key(approval.release_id)
                | {
                    "task_token": approval.task_token,
                    "asked_at": approval.asked_at,
                    "execution_id": approval.execution_id,
                }
            ),
        )


def _key(release_id: str) -> dict[str, str]:
    return {"pk": f"TOKEN#{release_id}", "sk": "TOKEN"}
