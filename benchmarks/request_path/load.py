"""A closed-loop load that costs little: requests are bytes made beforehand.

Each connection sends the requests of one conversation after the other, each when the last is
answered. A library's client would cost more than the proxies it is to measure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

CONNECTIONS = 16
_OK = b"HTTP/1.1 200"
_LENGTH = b"content-length:"
_HEAD_END = b"\r\n\r\n"

Conversation = Sequence[bytes]


@dataclass
class Measured:
    """What a load came to. `seconds` is real time, latencies are seconds of each answer."""

    seconds: float = 0.0
    failed: int = 0
    latencies: list[float] = field(default_factory=list)


def post(path: str, body: bytes) -> bytes:
    """A request as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def press(
    address: tuple[str, int], conversations: Iterator[Conversation], seconds: float
) -> Measured:
    """Keep every connection busy for so long. Raises `RuntimeError` when conversations run out."""
    measured = Measured()
    begun = time.perf_counter()
    until = begun + seconds
    await asyncio.gather(
        *(_talk(address, conversations, until, measured) for _ in range(CONNECTIONS))
    )
    measured.seconds = time.perf_counter() - begun
    if not measured.latencies:
        raise RuntimeError(f"{address}: no request was answered, {measured.failed} failed")
    return measured


async def _talk(
    address: tuple[str, int],
    conversations: Iterator[Conversation],
    until: float,
    measured: Measured,
) -> None:
    reader, writer = await asyncio.open_connection(*address)
    try:
        while time.perf_counter() < until:
            conversation = next(conversations, None)
            if conversation is None:
                raise RuntimeError("the load has no conversation left: make more of them")
            for request in conversation:
                asked = time.perf_counter()
                writer.write(request)
                head = await reader.readuntil(_HEAD_END)
                await reader.readexactly(_length(head))
                if head.startswith(_OK):
                    measured.latencies.append(time.perf_counter() - asked)
                else:
                    measured.failed += 1
    finally:
        writer.close()


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.index(_LENGTH) + len(_LENGTH)
    return int(lowered[at : lowered.index(b"\r", at)])
