"""The events that S3 holds, read back: to count what was lost on the way, or came twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from canary.local.parquet import read_rows

__all__ = ["EventFiles"]


class EventFiles:
    """Every Parquet file under one place of the form `s3://bucket/prefix/`."""

    def __init__(self, s3: Any, location: str) -> None:
        self._s3 = s3
        self._bucket, _, self._prefix = location.removeprefix("s3://").partition("/")

    def read(self) -> Iterator[dict[str, Any]]:
        """Every event that is stored, in the order of the objects' keys."""
        yield from read_rows(self._bodies())

    def _bodies(self) -> Iterator[bytes]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix
        )
        for page in pages:
            for found in page.get("Contents", []):
                yield self._s3.get_object(Bucket=self._bucket, Key=found["Key"])["Body"].read()
