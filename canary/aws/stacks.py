"""The stacks that a deploy guard stands in, and how each of them is doing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["GuardedStacks", "Stacks", "StacksUnreadError"]


class StacksUnreadError(RuntimeError):
    """CloudFormation did not say whether a deploy is under way."""


@dataclass(frozen=True)
class GuardedStacks:
    """The stacks by name: what a release in flight stands on."""

    traffic_stack: str
    gateway_stack: str
    guardrails_stack: str


class Stacks:
    """CloudFormation, as far as an admission needs it."""

    def __init__(self, client: Any, guarded: GuardedStacks) -> None:
        self._client = client
        self._guarded = guarded

    def states(self) -> Mapping[str, str]:
        """Each guarded stack's name and status. Raises `StacksUnreadError`."""
        found = {}
        for field in dataclasses.fields(self._guarded):
            name = getattr(self._guarded, field.name)
            try:
                answer = self._client.describe_stacks(StackName=name)
            except (BotoCoreError, ClientError) as error:
                raise StacksUnreadError(f"stack {name} cannot be read: {error}") from error
            found[name] = str(answer["Stacks"][0]["StackStatus"])
        return found
