"""`dashboard.json`: what the status page reads."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

__all__ = ["KEY", "Dashboard"]

KEY = "dashboard.json"
_ABSENT = frozenset({"NoSuchKey", "AccessDenied"})
"""Without the right to list the bucket, S3 denies access to what is not there."""


class Dashboard:
    """One JSON object in the dashboard's bucket."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self) -> dict[str, Any]:
        """The last one written, or an empty object."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=KEY)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return {}
            raise
        value: dict[str, Any] = json.loads(answer["Body"].read())
        return value

    def write(self, value: dict[str, Any]) -> None:
        """Replace it."""
        self._client.put_object(
            Bucket=self._bucket,
            Key=KEY,
            Body=json.dumps(value, separators=(",", ":")).encode(),
            ContentType="application/json",
            CacheControl="no-store",
        )
