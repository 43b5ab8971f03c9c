"""The reports that people read before they approve, as objects of a versioned bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Report", "Reports"]


@dataclass(frozen=True)
class Report:
    """One version of one object."""

    key: str
    version: str


class Reports:
    """Writes `reports/{release_id}.html`; an older version stays readable."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def write(self, release_id: str, page: str) -> Report:
        """Keep a page. Raises `LookupError` when the bucket gives it no version."""
        key = f"reports/{release_id}.html"
        answer = self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=page.encode(),
            ContentType="text/html; charset=utf-8",
        )
        if not answer.get("VersionId"):
            raise LookupError(f"bucket {self._bucket} is not versioned")
        return Report(key, str(answer["VersionId"]))
