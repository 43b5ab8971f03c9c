"""The line between the runner and its children: JSON objects on their standard input and output."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

__all__ = ["print_line", "read_lines"]


async def read_lines() -> AsyncIterator[dict[str, Any]]:
    """Each JSON object of standard input; ends when the runner closes it or dies."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while raw := await reader.readline():
        if raw.strip():
            yield json.loads(raw)


def print_line(line: Mapping[str, Any]) -> None:
    """Write one JSON object as a line and flush it."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
