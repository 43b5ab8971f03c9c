"""What one client may ask: how large a body, for how long, how many requests a minute."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

__all__ = [
    "LARGEST_BODY",
    "BodyTooLargeError",
    "TooManyRequestsError",
    "minute_of",
    "read_body",
]

LARGEST_BODY = 64 * 1024
"""Bytes. The longest message, each character escaped in JSON, takes 48 KB."""
BODY_SECONDS = 10.0
MINUTE = 60


class BodyTooLargeError(Exception):
    """The body is larger than any that this service could take."""


class TooManyRequestsError(Exception):
    """The session has had this minute's requests; `retry_after` is in seconds."""

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(f"session: more than {limit} requests in a minute")
        self.retry_after = retry_after


async def read_body(request: Request) -> bytes:
    """The whole body, and never more of it in memory than is allowed.

    Raises `BodyTooLargeError`, and `TimeoutError` for a client that takes too long to send it.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > LARGEST_BODY:
        raise BodyTooLargeError
    body = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                raise BodyTooLargeError
    return bytes(body)


def minute_of(now: float) -> tuple[int, int]:
    """The number of the minute that `now` (epoch seconds) is in, and seconds until the next."""
    minute = int(now // MINUTE)
    return minute, max(1, round((minute + 1) * MINUTE - now))
