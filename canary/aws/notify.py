"""Messages to people, through SNS."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Topic"]

SUBJECT_LIMIT = 100


class Topic:
    """One SNS topic."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, subject: str, body: dict[str, Any]) -> None:
        """Send a subject (cut at SNS's 100 characters) and a JSON body."""
        self._client.publish(
            TopicArn=self._arn,
            Subject=subject[:SUBJECT_LIMIT],
            Message=json.dumps(body, indent=2, sort_keys=True, default=str),
        )
