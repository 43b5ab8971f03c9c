"""What a load balancer's clients are connected to: HTTP/1.1 in, one answer for each request.

httptools parses; requests of one connection are answered in the order in which they came.
"""

from __future__ import annotations

import asyncio
import collections
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol, cast
from urllib.parse import unquote

import httptools

__all__ = ["Downstream", "Header", "Request", "Response", "Server"]

Header = tuple[bytes, bytes]
"""A name as it was sent, and its value."""

IDLE_SECONDS = 60.0
"""A connection without a request for so long is closed, as an application load balancer does."""
_SWEEP_SECONDS = 5.0
MAX_HEAD = 64 * 1024
MAX_BODY = 1024 * 1024
_BODILESS = frozenset({204, 304})
_REASONS = {int(status): status.phrase.encode() for status in HTTPStatus}
_log = logging.getLogger(__name__)


class Request:
    """One request, whole."""

    __slots__ = ("body", "headers", "keep_alive", "method", "named", "peer", "target")

    def __init__(
        self, method: bytes, target: bytes, headers: list[Header], body: bytes, peer: str
    ) -> None:
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.peer = peer
        self.keep_alive = True
        self.named = {name.lower().decode("latin-1"): value for name, value in headers}
        """Headers by name in small letters."""

    def get(self, name: str) -> str | None:
        """A header's value by its name in small letters, None without one."""
        value = self.named.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def path(self) -> str:
        """The path alone, with its escapes resolved."""
        path = self.target.partition(b"?")[0].decode("latin-1")
        return unquote(path) if "%" in path else path

    @property
    def query(self) -> str:
        """What follows the question mark, as it was sent."""
        return self.target.partition(b"?")[2].decode("latin-1")


class Pieces(Protocol):
    """A body whose length nobody knows yet, as it comes.

    `ConnectionError` and `TimeoutError` say that the rest does not come.
    """

    def __aiter__(self) -> Pieces:
        """Itself."""

    async def __anext__(self) -> bytes:
        """The next piece, never empty."""

    def close(self) -> None:
        """Nobody wants the rest."""


@dataclass(slots=True)
class Response:
    """An answer, with a body or with pieces.

    Pieces that break off break the connection off, so that half an answer never looks like a whole
    one.
    """

    status: int
    headers: Sequence[Header] = ()
    body: bytes = b""
    pieces: Pieces | None = None


Handler = Callable[[Request], Awaitable[Response]]


class Downstream(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, handle: Handler, connections: set[Downstream]) -> None:
        self._handle, self._connections = handle, connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: collections.deque[Request] = collections.deque()
        self._task: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._last = self._loop.time()
        self.on_message_begin()

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return self._task is not None

    def idle(self, now: float) -> float:
        """Seconds since the last request was answered; 0 while one is under way."""
        return 0.0 if self.busy else now - self._last

    def close(self) -> None:
        """Close without an answer, once what was written has left."""
        self._transport.close()

    def abort(self) -> None:
        """Break off."""
        self._transport.abort()

    # asyncio's side ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if peer else ""
        self._connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """The client is gone; what was asked goes on to its end, unheard."""
        self._connections.discard(self)
        self._room.set()

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        self._room.clear()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._room.set()

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(400)

    # The parser's side ---------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self._target = b""
        self._headers: list[Header] = []
        self._body: list[bytes] = []
        self._size = self._head = 0

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        self._target += url
        self._grown(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers.append((name, value))
        self._grown(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """The body follows, once a client that asks is told to go on."""
        if any(name.lower() == b"expect" for name, _ in self._headers):
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._size += len(body)
        if self._size > MAX_BODY:
            self._refuse(413)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """A request is there, whole."""
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        method = self._parser.get_method()
        request = Request(method, self._target, self._headers, body, self._peer)
        request.keep_alive = self._parser.should_keep_alive()
        if self._transport.is_closing():
            return
        if self._task is None:
            self._task = self._loop.create_task(self._serve(request))
        else:
            self._waiting.append(request)

    def _grown(self, size: int) -> None:
        self._head += size
        if self._head > MAX_HEAD:
            self._refuse(431)

    def _refuse(self, status: int) -> None:
        """Answer what cannot be read on, and close."""
        if not self._transport.is_closing():
            response = Response(status, body=b"%d from the load balancer\n" % status)
            self._transport.write(_head(response, keep_alive=False) + response.body)
            self._transport.close()

    # Answers -------------------------------------------------------------------------------

    async def _serve(self, request: Request) -> None:
        while True:
            try:
                response = await self._handle(request)
            except Exception:  # noqa: BLE001 - a connection's end must not be lost in a task's
                _log.exception("%r was not answered", request.target)
                response = Response(500)
            if response.pieces is not None:
                await self._relay(request, response, response.pieces)
            elif not self._transport.is_closing():
                self._write(request, response)
            if not request.keep_alive:
                self._transport.close()
            self._last = self._loop.time()
            if not self._waiting or self._transport.is_closing():
                break
            request = self._waiting.popleft()
        self._task = None

    def _write(self, request: Request, response: Response) -> None:
        head = _head(response, keep_alive=request.keep_alive, asked=request.method)
        self._transport.write(head if request.method == b"HEAD" else head + response.body)

    async def _relay(self, request: Request, response: Response, pieces: Pieces) -> None:
        """Pass pieces on as they come."""
        if not self._transport.is_closing():
            self._transport.write(_head(response, keep_alive=request.keep_alive))
        try:
            async for piece in pieces:
                if self._transport.is_closing():
                    break
                self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                await self._room.wait()
        except (ConnectionError, TimeoutError):
            self._transport.abort()
        pieces.close()
        if not self._transport.is_closing():
            self._transport.write(b"0\r\n\r\n")


class Server:
    """Serves requests on bound sockets until it is closed."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._connections: set[Downstream] = set()

    async def start(self, bound: socket.socket) -> None:
        """Listen on a bound socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Downstream(self._handle, self._connections),
            sock=bound,
            backlog=1024,
        )
        self._sweeping = loop.create_task(self._sweep())

    async def close(self, patience: float = 1.0) -> None:
        """Stop listening; requests under way have so many seconds to end."""
        self._sweeping.cancel()
        self._server.close()
        until = asyncio.get_running_loop().time() + patience
        while any(each.busy for each in self._connections):
            if asyncio.get_running_loop().time() > until:
                break
            await asyncio.sleep(0.01)
        for each in list(self._connections):
            each.abort() if each.busy else each.close()

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = loop.time()
            for each in list(self._connections):
                if each.idle(now) > IDLE_SECONDS:
                    each.close()


def _head(response: Response, *, keep_alive: bool, asked: bytes = b"") -> bytes:
    """Status line and headers; the body's length is ours to say."""
    status = response.status
    lines = [b"HTTP/1.1 %d %b" % (status, _REASONS.get(status, b""))]
    lines += [b"%b: %b" % header for header in response.headers]
    if response.pieces is not None:
        lines.append(b"transfer-encoding: chunked")
    elif asked != b"HEAD" and status not in _BODILESS:
        lines.append(b"content-length: %d" % len(response.body))
    if not keep_alive:
        lines.append(b"connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n"
