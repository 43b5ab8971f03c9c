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
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from canary.local.balancer_counts import Counts, GroupCounts
from canary.local.routes import (
    Configuration,
    FixedResponse,
    Listener,
    Redirect,
    Target,
    TargetGroup,
)

__all__ = ["LoadBalancer", "main"]

REPORT_SECONDS = 0.2
"""Real seconds between two reports; counts are stamped with the virtual time of their arrival."""

CONNECT_SECONDS = 10.0
POOL_IDLE_SECONDS = 2.0
"""Pooled connections are dropped before the targets' own keep-alive time-out (5 s) closes them."""

HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "content-length", "host",
    }
)  # fmt: skip
_GENERATED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_log = logging.getLogger(__name__)


class LoadBalancer:
    """Serves every listener of the present configuration."""

    def __init__(self, *, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._configuration = Configuration({}, {})
        self._runners: dict[str, web.ServerRunner] = {}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=POOL_IDLE_SECONDS),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_GENERATED,
        )
        self.counts = Counts()

    async def configure(
        self, message: Mapping[str, Any], sockets: Mapping[str, socket.socket]
    ) -> None:
        """Put a configuration in force; requests under way are not disturbed.

        `sockets` are the bound sockets of its listeners, by ARN; those served already may be left
        out. Raises `UnsupportedRouteError`, and stays as it was.
        """
        self._configuration = Configuration.from_dict(message, self._configuration)
        for arn in self._configuration.listeners.keys() - self._runners.keys():
            self._runners[arn] = await self._serve(arn, sockets[arn])

    async def close(self) -> None:
        """Stop serving."""
        for runner in self._runners.values():
            await runner.cleanup()
        await self._session.close()

    async def _serve(self, arn: str, bound: socket.socket) -> web.ServerRunner:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await self._answer(self._configuration.listeners[arn], request)

        server = web.Server(handle, access_log=None, keepalive_timeout=60.0)
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, bound, backlog=1024).start()
        return runner

    async def _answer(self, listener: Listener, request: web.BaseRequest) -> web.StreamResponse:
        action = listener.action(request.path, request.headers)
        if isinstance(action, FixedResponse):
            if action.status >= 500:  # noqa: PLR2004 - a status class
                self.counts.own(listener.balancer, action.status)
            return web.Response(
                status=action.status, text=action.body, content_type=action.content_type
            )
        if isinstance(action, Redirect):
            location = action.location(
                host=request.host.partition(":")[0],
                port=request.url.port or 80,
                path=request.path,
                query=request.query_string,
            )
            return web.Response(status=action.status, headers={"Location": location})
        arn = action.choose(self._random)
        group = self._configuration.groups.get(arn) if arn else None
        target = group.pick() if group else None
        if arn is None or group is None or target is None:
            return self._own(listener, 503)
        counts = self.counts.request(listener.balancer, arn)
        return await self._forward(listener, request, group, target, counts)

    def _own(self, listener: Listener, status: int) -> web.Response:
        self.counts.own(listener.balancer, status)
        return web.Response(status=status, text=f"{status} from the load balancer\n")

    async def _forward(
        self,
        listener: Listener,
        request: web.BaseRequest,
        group: TargetGroup,
        target: Target,
        counts: GroupCounts,
    ) -> web.StreamResponse:
        body = await request.read() if request.body_exists else None
        headers = _request_headers(request)
        timeout = _timeout(listener.timeout)
        tried = 0
        while True:
            tried += 1
            started = time.monotonic()
            try:
                async with self._session.request(
                    request.method,
                    _url(target.host, target.port, request.raw_path),
                    headers=headers,
                    data=body,
                    timeout=timeout,
                    allow_redirects=False,
                ) as response:
                    elapsed = time.monotonic() - started
                    if response.headers.get("Transfer-Encoding") == "chunked":
                        counts.answered(response.status, elapsed)
                        return await _relay(request, response)
                    content = await response.read()
            except aiohttp.ClientConnectorError:
                counts.connection_errors += 1
                other = group.pick(avoid=target)
                if tried == 1 and other not in (None, target):
                    target = other
                    continue
                return self._own(listener, 502)
            except TimeoutError:
                return self._own(listener, 504)
            except (aiohttp.ClientError, OSError):
                return self._own(listener, 502)
            counts.answered(response.status, elapsed)
            return web.Response(
                status=response.status, body=content, headers=_passed_on(response.headers)
            )


async def _relay(request: web.BaseRequest, response: aiohttp.ClientResponse) -> web.StreamResponse:
    """Pass an answer of unknown length on as it comes; one that breaks off breaks off here too."""
    answer = web.StreamResponse(status=response.status, headers=_passed_on(response.headers))
    await answer.prepare(request)
    try:
        async for chunk in response.content.iter_any():
            await answer.write(chunk)
        await answer.write_eof()
    except (aiohttp.ClientError, OSError, TimeoutError):
        if request.transport is not None:
            request.transport.abort()
    return answer


@functools.lru_cache(maxsize=256)
def _url(host: str, port: int, raw_path: str) -> URL:
    return URL(f"http://{host}:{port}{raw_path}", encoded=True)


def _request_headers(request: web.BaseRequest) -> CIMultiDict[str]:
    headers = _passed_on(request.headers)
    client = request.remote or "127.0.0.1"
    before = headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{before}, {client}" if before else client
    headers["X-Forwarded-Proto"] = "http"
    headers["Host"] = request.headers.get("Host", "")
    return headers


def _passed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """A copy without what concerns one connection only."""
    kept = CIMultiDict(headers)
    for name in HOP_BY_HOP:
        if name in kept:
            del kept[name]
    return kept


@functools.lru_cache(maxsize=16)
def _timeout(idle_seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(sock_connect=CONNECT_SECONDS, sock_read=idle_seconds)


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
    logging.getLogger("aiohttp").setLevel(logging.ERROR)
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve())
    else:
        uvloop.run(serve())


if __name__ == "__main__":
    main()
