"""Lines on their way to standard output: what its reader is too slow for waits, in bounded space.

A customer never waits for a reader of logs. When the space is full the newest line is dropped: what
waits is older and whole. What is dropped is counted, by kind, and told.
"""

from __future__ import annotations

import os
import select
import sys
from collections import Counter, deque

__all__ = ["LIMIT_BYTES", "EventBuffer"]

LIMIT_BYTES = 4 * 1024 * 1024
"""About five thousand turns."""


class EventBuffer:
    """Writes whole lines to file `descriptor`, or to `sys.stdout` where it has none (a test)."""

    def __init__(self, descriptor: int | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self._descriptor = descriptor
        self._limit = limit_bytes
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._dropped: Counter[str] = Counter()

    def put(self, kind: str, line: bytes) -> None:
        """Write a line now if its reader keeps up, later if there is space, or drop it."""
        content = line + b"\n"
        if self._bytes + len(content) > self._limit:
            self.drain()
        if self._bytes + len(content) > self._limit:
            self._dropped[kind] += 1
            return
        self._waiting.append(content)
        self._bytes += len(content)
        self.drain()

    def drain(self, *, wait: bool = False) -> None:
        """Write what the reader takes; with `wait` everything, at the end of the process."""
        descriptor = self._find()
        while self._waiting and descriptor is None:
            sys.stdout.write(self._waiting.popleft().decode())
            sys.stdout.flush()
            self._bytes = 0
        while self._waiting and descriptor is not None:
            if not wait and not select.select([], [descriptor], [], 0)[1]:
                return
            # A writable pipe takes this much in one piece without waiting.
            content = self._waiting[0]
            written = os.write(descriptor, content[: select.PIPE_BUF])
            self._bytes -= written
            if written == len(content):
                self._waiting.popleft()
            else:
                self._waiting[0] = content[written:]

    def drop(self, kind: str) -> None:
        """Count a line that is not written at all."""
        self._dropped[kind] += 1

    def take_dropped(self) -> dict[str, int]:
        """Lines dropped since the last call, by kind."""
        taken = dict(self._dropped)
        self._dropped.clear()
        return taken

    def _find(self) -> int | None:
        if self._descriptor is not None:
            return self._descriptor
        try:
            return sys.stdout.fileno()
        except OSError:
            return None
