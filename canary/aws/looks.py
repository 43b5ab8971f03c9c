"""Looks with all that they read, as compressed objects of a versioned bucket."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from typing import Any

from canary.decision.record import LookRecord

__all__ = ["Looks", "StoredLook", "pack", "unpack"]

_NAME = re.compile(r"(\d+)-(\d+)\.json\.gz")

_BROKEN = (AttributeError, EOFError, LookupError, OSError, TypeError, ValueError, zlib.error)
"""What bytes may raise that are no gzip, no JSON, or another document."""


@dataclass(frozen=True)
class StoredLook:
    """Where a look lies: by its release, the stage, and when it was taken (epoch milliseconds)."""

    release_id: str
    stage: int
    at_ms: int

    @property
    def key(self) -> str:
        """Its object's key."""
        return _key(self.release_id, self.stage, self.at_ms)


class Looks:
    """`looks/{release_id}/{stage}-{epoch ms}.json.gz`: one object a look, never rewritten.

    A look that is written again (the same moment, so the same facts) brings the same bytes.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def write(self, record: LookRecord) -> str:
        """Keep a look; its key. Whatever S3 raises, the look must not be acted upon."""
        state = record.state
        key = _key(state.release_id, state.stage, round(1000 * record.facts.as_of))
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=pack(record),
            ContentType="application/json",
            ContentEncoding="gzip",
        )
        return key

    def stored(self, release_id: str) -> tuple[StoredLook, ...]:
        """The looks of a release in order of time, without their contents."""
        folder = f"looks/{release_id}/"
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=folder
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        named = [_NAME.fullmatch(key.removeprefix(folder)) for key in keys]
        found = [StoredLook(release_id, int(m[1]), int(m[2])) for m in named if m]
        return tuple(sorted(found, key=lambda look: (look.at_ms, look.stage)))

    def load(self, look: StoredLook) -> LookRecord:
        """One look. Raises `ValueError` when the object is none."""
        key = _key(look.release_id, look.stage, look.at_ms)
        answer = self._client.get_object(Bucket=self._bucket, Key=key)
        return unpack(answer["Body"].read(), look.key)

    def read(self, release_id: str) -> tuple[LookRecord, ...]:
        """Every look of a release in order of time; empty when there is none."""
        return tuple(self.load(look) for look in self.stored(release_id))


def _key(release_id: str, stage: int, at_ms: int) -> str:
    return f"looks/{release_id}/{stage}-{at_ms}.json.gz"


def pack(record: LookRecord) -> bytes:
    """A look as compressed JSON: the same look gives the same bytes."""
    return gzip.compress(record.to_json().encode(), mtime=0)


def unpack(content: bytes, source: str) -> LookRecord:
    """Read what `pack` wrote, or the same JSON uncompressed.

    Raises `ValueError` that names `source`.
    """
    try:
        text = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        return LookRecord.from_json(text.decode())
    except _BROKEN as error:
        wrong = f"{source}: not a look as the decide function stores it ({error!r})"
        raise ValueError(wrong) from error
