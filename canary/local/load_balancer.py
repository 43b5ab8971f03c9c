"""The region's load balancers: one process that splits HTTP traffic as listener rules say.

Run as `python -m canary.local.load_balancer`. Configurations come as JSON lines on standard input,
counts leave as JSON lines on standard output; the end of the input ends the process. A listener's
socket is inherited, bound already, by its file number.

As an application load balancer does: a weighted choice for every request, targets in turn, 503
without a registered target, every target when none is healthy, 502 when a target refuses or drops
the connection, 504 when it does not answer in time. A request whose connection could not be made is
given to another target when there is one; once bytes were sent it is never sent again, unless its
method is idempotent and the pooled connection turned out to be closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import random
import socket
import sys
from collections.abc import Mapping
from typing import Any

from canary.local.balancer_counts import Counts, GroupCounts
from canary.local.downstream import Header, Request, Response, Server
from canary.local.routes import (
    Configuration,
    FixedResponse,
    Listener,
    Redirect,
    Target,
    TargetGroup,
)
from canary.local.upstream import Answer, Pool

__all__ = ["LoadBalancer", "main"]

REPORT_SECONDS = 0.2
"""Real seconds between two reports; counts are stamped with the virtual time of their arrival."""

HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te",
        b"trailer", b"transfer-encoding", b"upgrade", b"expect",
    }
)  # fmt: skip
IDEMPOTENT = frozenset({b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE"})
_WRITTEN = frozenset({b"content-length", b"x-forwarded-for", b"x-forwarded-proto"})
_WITH_BODY = frozenset({b"POST", b"PUT", b"PATCH"})
_OURS = (b"server", b"awselb/2.0")
_log = logging.getLogger(__name__)


class LoadBalancer:
    """Serves every listener of the present configuration."""

    def __init__(self, *, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._configuration = Configuration({}, {})
        self._servers: dict[str, Server] = {}
        self._pool = Pool()
        self.counts = Counts()

    async def configure(
        self, message: Mapping[str, Any], sockets: Mapping[str, socket.socket]
    ) -> None:
        """Put a configuration in force; requests under way are not disturbed.

        `sockets` are the bound sockets of its listeners, by ARN; those served already may be left
        out. Raises `UnsupportedRouteError`, and stays as it was.
        """
        self._configuration = Configuration.from_dict(message, self._configuration)
        for arn in self._configuration.listeners.keys() - self._servers.keys():
            self._servers[arn] = server = Server(functools.partial(self._answer, arn))
            await server.start(sockets[arn])

    async def close(self) -> None:
        """Stop serving; requests under way have a second."""
        await asyncio.gather(*(server.close() for server in self._servers.values()))
        self._pool.close()

    async def _answer(self, arn: str, request: Request) -> Response:
        listener = self._configuration.listeners[arn]
        action = listener.action(request.path, request)
        if isinstance(action, FixedResponse):
            if action.status >= 500:  # noqa: PLR2004 - a status class
                self.counts.own(listener.balancer, action.status)
            return _own_response(action.status, action.body, action.content_type)
        if isinstance(action, Redirect):
            host, _, port = (request.get("host") or "").partition(":")
            location = action.location(
                host=host, port=int(port or 80), path=request.path, query=request.query
            )
            return Response(action.status, [_OURS, (b"location", location.encode())])
        chosen = action.choose(self._random)
        group = self._configuration.groups.get(chosen) if chosen else None
        target = group.pick() if group else None
        if chosen is None or group is None or target is None:
            return self._own(listener, 503)
        counts = self.counts.request(listener.balancer, chosen)
        return await self._forward(listener, request, group, target, counts)

    def _own(self, listener: Listener, status: int) -> Response:
        self.counts.own(listener.balancer, status)
        return _own_response(status, f"{status} from the load balancer\n")

    async def _forward(
        self,
        listener: Listener,
        request: Request,
        group: TargetGroup,
        target: Target,
        counts: GroupCounts,
    ) -> Response:
        message, tried, again = _message(request), 0, request.method in IDEMPOTENT
        while True:
            tried += 1
            try:
                upstream = self._pool.free(target.host, target.port)
                if upstream is None:
                    upstream = await self._pool.connect(target.host, target.port)
            except TimeoutError:
                return self._own(listener, 504)
            except OSError:
                counts.connection_errors += 1
                other = group.pick(avoid=target)
                if tried == 1 and other not in (None, target):
                    target = other
                    continue
                return self._own(listener, 502)
            bodiless = request.method == b"HEAD"
            try:
                answer = await upstream.ask(message, listener.timeout, bodiless=bodiless)
            except TimeoutError:
                return self._own(listener, 504)
            except ConnectionError:
                if upstream.used and again:
                    again = False
                    continue
                return self._own(listener, 502)
            counts.answered(answer.status, answer.seconds)
            return _passed_on(answer, bodiless=bodiless)


def _message(request: Request) -> bytes:
    """The request as the target gets it: whole, and with whom it came from."""
    before = request.get("x-forwarded-for")
    client = f"{before}, {request.peer}" if before else request.peer
    lines = [b"%b %b HTTP/1.1" % (request.method, request.target)]
    lines += [
        b"%b: %b" % header
        for header in request.headers
        if (name := header[0].lower()) not in HOP_BY_HOP and name not in _WRITTEN
    ]
    lines.append(b"x-forwarded-for: %b" % client.encode("latin-1"))
    lines.append(b"x-forwarded-proto: http")
    if request.body or request.method in _WITH_BODY:
        lines.append(b"content-length: %d" % len(request.body))
    lines.append(b"\r\n%b" % request.body)
    return b"\r\n".join(lines)


def _passed_on(answer: Answer, *, bodiless: bool) -> Response:
    """The answer without what concerns one connection only; of a bare head the length stays."""
    kept = [
        header
        for header in answer.headers
        if (name := header[0].lower()) not in HOP_BY_HOP and (bodiless or name != b"content-length")
    ]
    return Response(answer.status, kept, answer.body, answer.pieces)


def _own_response(status: int, body: str, content_type: str = "text/plain") -> Response:
    headers: list[Header] = [_OURS, (b"content-type", content_type.encode())]
    return Response(status, headers, body.encode())


def _say(content: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(content, separators=(",", ":")) + "\n")
    sys.stdout.flush()


async def _report(balancer: LoadBalancer) -> None:
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        _say(balancer.counts.take())


async def serve() -> None:
    """Read configurations until standard input ends, report all the while."""
    balancer = LoadBalancer()
    sockets: dict[str, socket.socket] = {}
    reader = asyncio.StreamReader(limit=2**24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    reporting = loop.create_task(_report(balancer))
    try:
        while line := await reader.readline():
            message = json.loads(line)
            for arn, number in message["sockets"].items():
                if arn not in sockets:
                    sockets[arn] = socket.socket(fileno=number)
            await balancer.configure(message, sockets)
            _say({"configured": message["number"]})
    finally:
        reporting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reporting
        await balancer.close()


def main() -> None:
    """Run until standard input ends."""
    logging.basicConfig(level=logging.WARNING)
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve())
    else:
        uvloop.run(serve())


if __name__ == "__main__":
    main()
