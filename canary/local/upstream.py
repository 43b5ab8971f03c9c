"""What a load balancer is connected to: a target's connections, each used again when it is free."""

from __future__ import annotations

import asyncio
import collections
from dataclasses import dataclass
from typing import cast

import httptools

from canary.local.downstream import Header, Pieces

__all__ = ["Answer", "Pool", "Upstream"]

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 2.0
"""Free connections are dropped before the targets' own keep-alive time-out (5 s) closes them."""
_AHEAD = 256 * 1024
"""Bytes of a stream that are kept for a slow client before the target has to wait."""
_FINAL = 200
"""Smaller statuses are interim answers."""


@dataclass(slots=True)
class Answer:
    """What a target answered: its body, or its pieces when it did not say how many come.

    `seconds` is the time to the end of its head. Pieces end in `ConnectionError` when the target
    breaks off, and in `TimeoutError` when it falls silent.
    """

    status: int
    headers: list[Header]
    seconds: float
    body: bytes = b""
    pieces: Pieces | None = None


class _Pieces:
    """Pieces of a body on their way, with how they ended."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._size = 0
        self._parts: collections.deque[bytes] = collections.deque()
        self._news = asyncio.Event()
        self._end: BaseException | None = None

    def put(self, piece: bytes) -> None:
        self._parts.append(piece)
        self._size += len(piece)
        if self._size > _AHEAD and self._transport.is_reading():
            self._transport.pause_reading()
        self._news.set()

    def end(self, how: BaseException) -> None:
        self._end = self._end or how
        self._news.set()

    def close(self) -> None:
        if self._end is None:
            self._transport.abort()

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> bytes:
        while not self._parts:
            if self._end is not None:
                raise self._end
            self._news.clear()
            await self._news.wait()
        piece = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        if self._end is None:
            _read_on(self._transport)
        return piece


def _read_on(transport: asyncio.Transport) -> None:
    """Listen to a target again that was held back for a slow client."""
    if not (transport.is_closing() or transport.is_reading()):
        transport.resume_reading()


class Upstream(asyncio.Protocol):
    """One connection to a target; one request at a time."""

    def __init__(self, free: collections.deque[Upstream]) -> None:
        self._free = free
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[Answer] | None = None
        self._pieces: _Pieces | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asked = self._heard = self.freed = 0.0
        self.used = False
        """Whether it has carried a request before the present one."""
        self.on_message_begin()

    @property
    def closed(self) -> bool:
        """Whether nothing can be asked any more."""
        return self._transport.is_closing()

    def ask(self, message: bytes, silence: float, *, bodiless: bool) -> asyncio.Future[Answer]:
        """Send a request and await its answer.

        Raises `TimeoutError` after `silence` seconds without a byte, `ConnectionError` when the
        target drops the connection or answers what is no HTTP. `bodiless`: only a head is answered.
        """
        self._waiter = self._loop.create_future()
        self._bodiless, self._silence = bodiless, silence
        self._asked = self._heard = self._loop.time()
        self._timer = self._loop.call_later(silence, self._look)
        self._transport.write(message)
        return self._waiter

    def close(self) -> None:
        """Close it."""
        self._transport.close()

    # asyncio's side ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The target has accepted."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """The target, or we, hung up."""
        if self._pieces is not None and self._until_closed:
            self._pieces.end(StopAsyncIteration())
        self._fail(ConnectionResetError("the target dropped the connection"))

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer; without a question there is none."""
        self._heard = self._loop.time()
        if self._timer is None:
            self._transport.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(ConnectionError(f"the target's answer is no HTTP: {error}"))
            self._transport.abort()

    # The parser's side ---------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """An answer begins."""
        self._headers: list[Header] = []
        self._body: list[bytes] = []
        self._until_closed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there: what has no length is passed on as it comes."""
        status = self._parser.get_status_code()
        if status < _FINAL or self._timer is None:
            return
        names = {name.lower(): value for name, value in self._headers}
        self._answer = Answer(status, self._headers, self._loop.time() - self._asked)
        chunked = b"transfer-encoding" in names
        bare = self._bodiless or status in (204, 304)
        self._until_closed = not (chunked or bare or b"content-length" in names)
        if self._bodiless:
            self._done(again=False)
        elif chunked or self._until_closed:
            self._pieces = _Pieces(self._transport)
            self._answer.pieces = self._pieces
            self._hand_over()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._pieces is not None:
            self._pieces.put(body)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """The answer is there, whole."""
        if self._parser.get_status_code() >= _FINAL and self._timer is not None:
            self._done(again=self._parser.should_keep_alive())

    # The exchange's end --------------------------------------------------------------------

    def _done(self, *, again: bool) -> None:
        if self._pieces is not None:
            self._pieces.end(StopAsyncIteration())
        else:
            parts = self._body
            self._answer.body = parts[0] if len(parts) == 1 else b"".join(parts)
            self._hand_over()
        self._rest()
        if again:
            _read_on(self._transport)
            self.used, self.freed = True, self._loop.time()
            self._free.append(self)
        else:
            self._transport.close()

    def _fail(self, error: BaseException) -> None:
        if self._pieces is not None:
            self._pieces.end(error)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        self._rest()

    def _hand_over(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(self._answer)
        self._waiter = None

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._waiter = self._pieces = None

    def _look(self) -> None:
        """Whether the target has been silent for too long."""
        left = self._heard + self._silence - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
            return
        self._fail(TimeoutError(f"no byte for {self._silence} s"))
        self._transport.abort()


class Pool:
    """Connections to targets, by host and port."""

    def __init__(self) -> None:
        self._free: dict[tuple[str, int], collections.deque[Upstream]] = {}

    def free(self, host: str, port: int) -> Upstream | None:
        """A connection that is open and not in use, the one used last; None without one."""
        connections = self._free.get((host, port))
        if not connections:
            return None
        oldest = asyncio.get_running_loop().time() - IDLE_SECONDS
        while connections and (connections[0].freed < oldest or connections[0].closed):
            connections.popleft().close()
        while connections:
            last = connections.pop()
            if not last.closed:
                return last
        return None

    async def connect(self, host: str, port: int) -> Upstream:
        """A new connection. Raises `OSError`, of which `TimeoutError` is one."""
        free = self._free.setdefault((host, port), collections.deque())
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECONDS):
            _, upstream = await loop.create_connection(lambda: Upstream(free), host, port)
        return upstream

    def close(self) -> None:
        """Close what is free."""
        for connections in self._free.values():
            while connections:
                connections.pop().close()
