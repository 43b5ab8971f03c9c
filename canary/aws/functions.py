"""Other functions, invoked without waiting for them."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Function"]


class Function:
    """One Lambda function, by name or ARN (with its alias)."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def start(self, event: dict[str, Any]) -> None:
        """Invoke asynchronously; the service retries it and keeps what fails."""
        self._client.invoke(
            FunctionName=self._name, InvocationType="Event", Payload=json.dumps(event).encode()
        )

    def call(self, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke and return the answer. Raises `RuntimeError` when the function failed."""
        answer = self._client.invoke(FunctionName=self._name, Payload=json.dumps(event).encode())
        body: dict[str, Any] = json.loads(answer["Payload"].read() or b"{}")
        if answer.get("FunctionError"):
            raise RuntimeError(f"{self._name}: {body.get('errorMessage', body)}")
        return body
