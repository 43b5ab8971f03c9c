"""What a gateway task is told by its task definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.gateway.model import Guardrail

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The environment of a gateway container (`canary.aws.settings` reads it)."""

    arm: Literal["control", "canary"]
    task_set: Literal["primary", "canary"]
    model_id: str
    guardrail_id: str
    guardrail_version: str
    releases_table: str
    metrics_namespace: str
    ecs_container_metadata_uri_v4: str

    @property
    def guardrail(self) -> Guardrail:
        """What judges this task's calls."""
        return Guardrail(self.guardrail_id, self.guardrail_version)
