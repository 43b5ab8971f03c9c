"""Parameter Store: model ids, the assignment, the status, the policy's place."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Parameters"]


class Parameters:
    """The parameters under one prefix, named without it."""

    def __init__(self, client: Any, prefix: str) -> None:
        self._client = client
        self._prefix = prefix.rstrip("/")

    def get(self, name: str) -> str:
        """The value. Raises `ParameterNotFound` of the SDK."""
        answer = self._client.get_parameter(Name=f"{self._prefix}/{name}")
        return str(answer["Parameter"]["Value"])

    def get_json(self, name: str) -> dict[str, Any]:
        """The value read as a JSON object."""
        value: dict[str, Any] = json.loads(self.get(name))
        return value

    def put(self, name: str, value: str) -> None:
        """Write the value, over whatever was there."""
        self._client.put_parameter(
            Name=f"{self._prefix}/{name}", Value=value, Type="String", Overwrite=True
        )

    def put_json(self, name: str, value: dict[str, Any]) -> None:
        """Write a JSON object."""
        self.put(name, json.dumps(value, sort_keys=True, separators=(",", ":")))

    def seed(self, name: str, value: str) -> bool:
        """Write the value only when the parameter does not exist; say whether it was written.

        `name` is the full name here.
        """
        try:
            self._client.put_parameter(Name=name, Value=value, Type="String", Overwrite=False)
        except self._client.exceptions.ParameterAlreadyExists:
            return False
        return True
