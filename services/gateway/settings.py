"""What a gateway task is told by its task definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The environment of a gateway container (`canary.aws.settings` reads it)."""

    arm: Literal["control", "canary"]
    task_set: Literal["primary", "canary"]
    model_id: str
    releases_table: str
    ecs_container_metadata_uri_v4: str
