"""The reports that people read before they approve, as objects of a versioned bucket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Report", "Reports"]


@dataclass(frozen=True)
class Report:
    """One version of one object."""

    key: str
    version: str


class Reports:
    """Writes `reports/{release_id}` with `.html`, `.json`, `.diagnosis.json`.

    An older version of an object stays readable.
    """

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
        return self._versioned(key, answer)

    def write_numbers(self, release_id: str, document: Mapping[str, Any]) -> Report:
        """Keep a page's numbers. Raises `LookupError` when the bucket gives them no version."""
        return self._write_json(f"reports/{release_id}.json", document)

    def write_diagnosis(self, release_id: str, document: Mapping[str, Any]) -> Report:
        """Keep a rollback's diagnosis. Raises `LookupError` as `write_numbers` does."""
        return self._write_json(f"reports/{release_id}.diagnosis.json", document)

    def _write_json(self, key: str, document: Mapping[str, Any]) -> Report:
        answer = self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=json.dumps(document, sort_keys=True, indent=1).encode(),
            ContentType="application/json",
        )
        return self._versioned(key, answer)

    def _versioned(self, key: str, answer: Mapping[str, Any]) -> Report:
        if not answer.get("VersionId"):
            raise LookupError(f"bucket {self._bucket} is not versioned")
        return Report(key, str(answer["VersionId"]))
