"""The two task sets of the gateway service, looked up by external id at run time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Service", "TaskSet", "TaskSets"]


@dataclass(frozen=True)
class Service:
    """Where the task sets are."""

    cluster: str
    gateway_service: str


@dataclass(frozen=True)
class TaskSet:
    """What ECS says of one set; `steady` also means that nothing is pending or missing."""

    id: str
    external_id: str
    percent: float
    desired: int
    running: int
    pending: int
    stable: bool

    @property
    def steady(self) -> bool:
        """Whether the set has settled at its scale."""
        return self.stable and self.pending == 0 and self.running == self.desired


class TaskSets:
    """Scale a set, and ask what runs in it."""

    def __init__(self, client: Any, service: Service) -> None:
        self._client = client
        self._service = service

    def find(self, external_id: str) -> TaskSet:
        """The set of that external id; the newest when a deployment is replacing it.

        Raises `LookupError` when there is none.
        """
        answer = self._client.describe_task_sets(
            cluster=self._service.cluster, service=self._service.gateway_service
        )
        sets = [item for item in answer["taskSets"] if item.get("externalId") == external_id]
        if not sets:
            raise LookupError(f"no task set with external id {external_id!r}")
        return _task_set(max(sets, key=lambda item: str(item.get("createdAt", ""))))

    def named(self, ids: Sequence[str]) -> tuple[TaskSet, ...]:
        """The sets of those ids. Raises `LookupError` for one that does not exist."""
        answer = self._client.describe_task_sets(
            cluster=self._service.cluster,
            service=self._service.gateway_service,
            taskSets=list(ids),
        )
        found = tuple(_task_set(item) for item in answer["taskSets"])
        if missing := set(ids) - {each.id for each in found}:
            raise LookupError(f"no task set {', '.join(sorted(missing))}")
        return found

    def scale(self, external_id: str, percent: int) -> TaskSet:
        """Ask for `percent` of the service's desired count, unless that is what is asked now."""
        found = self.find(external_id)
        if found.percent != percent:
            self._client.update_task_set(
                cluster=self._service.cluster,
                service=self._service.gateway_service,
                taskSet=found.id,
                scale={"value": float(percent), "unit": "PERCENT"},
            )
            found = self.find(external_id)
        return found

    def running_tasks(self, found: TaskSet) -> frozenset[str]:
        """ARNs of the set's running tasks."""
        pages = self._client.get_paginator("list_tasks").paginate(
            cluster=self._service.cluster, startedBy=found.id, desiredStatus="RUNNING"
        )
        return frozenset(arn for page in pages for arn in page["taskArns"])


def _task_set(item: dict[str, Any]) -> TaskSet:
    return TaskSet(
        id=item["id"],
        external_id=str(item.get("externalId", "")),
        percent=float(item.get("scale", {}).get("value", 0.0)),
        desired=int(item.get("computedDesiredCount", 0)),
        running=int(item.get("runningCount", 0)),
        pending=int(item.get("pendingCount", 0)),
        stable=item.get("stabilityStatus") == "STEADY_STATE",
    )
