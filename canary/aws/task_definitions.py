"""Task definitions, as ECS knows them and as somebody registers them anew."""

from __future__ import annotations

from typing import Any

__all__ = ["TaskDefinitions"]

_GIVEN_BY_ECS = frozenset(
    {
        "compatibilities", "deregisteredAt", "registeredAt", "registeredBy", "requiresAttributes",
        "revision", "status", "taskDefinitionArn",
    }
)  # fmt: skip


class TaskDefinitions:
    """Reads task definitions."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def registrable(self, arn: str) -> dict[str, Any]:
        """What would register the same once more: everything but what ECS itself adds."""
        found = self._client.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        return {name: value for name, value in found.items() if name not in _GIVEN_BY_ECS}
