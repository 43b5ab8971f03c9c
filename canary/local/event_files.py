"""Events as objects in S3: JSON lines by date, as the template's delivery would leave them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

__all__ = ["EventFiles"]

PREFIX = "events/"


class EventFiles:
    """Writes batches to one bucket and reads them back. Times are virtual epoch seconds."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._number = 0

    def write(self, events: Sequence[tuple[float, str]], now: float) -> None:
        """One object for each date among the events (epoch, JSON text)."""
        by_date: dict[str, list[str]] = defaultdict(list)
        for epoch, text in events:
            by_date[f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d}"].append(text)
        stamp = f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S}"
        for date, lines in by_date.items():
            self._number += 1
            self._s3.put_object(
                Bucket=self._bucket,
                Key=f"{PREFIX}date={date}/{stamp}-{self._number:06d}.json",
                Body=("\n".join(lines) + "\n").encode(),
                ContentType="application/json",
            )

    def read(self) -> Iterator[dict[str, Any]]:
        """Every event that is stored, in the order of the objects' keys."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=PREFIX
        )
        for page in pages:
            for found in page.get("Contents", []):
                body = self._s3.get_object(Bucket=self._bucket, Key=found["Key"])["Body"].read()
                yield from map(json.loads, body.splitlines())
