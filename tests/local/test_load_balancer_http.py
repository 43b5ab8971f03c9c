"""HTTP/1.1 as the load balancer speaks it, byte by byte: to clients, and to targets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from canary.local import downstream, upstream
from canary.local.load_balancer import LoadBalancer
from tests.local.balancer_scene import BALANCER, GROUP, LISTENER, forward

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
GET = b"GET /a HTTP/1.1\r\nhost: shop\r\n\r\n"


class Target:
    """A task that says what a test tells it, on connections that it counts."""

    def __init__(self) -> None:
        self.talk: Talk = self.echo
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.gone = asyncio.Event()

    async def start(self) -> int:
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gone.set()
        writer.close()

    async def read(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
        self.bodies.append(await reader.readexactly(int(length or 0)))

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await self.read(reader)
            said = self.heads[-1].split(b" ", 2)[1] + self.bodies[-1]
            head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nkeep-alive: timeout=5\r\n\r\n"
            bare = self.heads[-1].startswith(b"HEAD")
            writer.write(head % len(said) + (b"" if bare else said))

    def answering(self, *answers: bytes) -> None:
        """Each connection answers one request so, and is then closed."""
        left = list(answers)

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self.read(reader)
            writer.write(left.pop(0))
            await writer.drain()

        self.talk = talk


class Scene:
    """A client's bare connections, the load balancer, and a target."""

    async def start(self) -> None:
        self.target, self.balancer = Target(), LoadBalancer(seed=7)
        self.port = await self.target.start()
        self.bound = socket.socket()
        self.bound.bind(("127.0.0.1", 0))
        await self.configure()

    async def configure(self, silence: float = 60.0, default: Any = None) -> None:
        listener = {
            "arn": LISTENER,
            "balancer": BALANCER,
            "timeout": silence,
            "rules": [],
            "default": default or forward(one=1),
        }
        groups = {GROUP + "one": [["127.0.0.1", self.port, "healthy"]]}
        message = {"listeners": [listener], "groups": groups}
        await self.balancer.configure(message, {LISTENER: self.bound})

    async def stop(self) -> None:
        await self.balancer.close()
        self.target.server.close()
        self.bound.close()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.bound.getsockname())

    async def say(self, *parts: bytes) -> bytes:
        """Everything that is answered until the load balancer closes."""
        reader, writer = await self.connect()
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.01)
        async with asyncio.timeout(20):
            said = await reader.read()
        writer.close()
        return said


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    await made.start()
    yield made
    await made.stop()


def last(text: bytes) -> bytes:
    """A request after which the connection is closed."""
    return text.replace(b"host: shop", b"host: shop\r\nConnection: close")


async def test_requests_sent_at_once_are_answered_one_after_the_other(scene: Scene) -> None:
    """In their order, though a client did not wait."""
    said = await scene.say(GET + GET.replace(b"/a", b"/b") + last(GET).replace(b"/a", b"/c"))
    bodies = [part[-2:] for part in said.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"/a", b"/b", b"/c"]
    assert said.count(b"connection: close") == 1


async def test_a_request_in_pieces_is_put_together(scene: Scene) -> None:
    """Its chunks arrive as one body whose length is known; every byte may come alone."""
    text = b"POST /a HTTP/1.1\r\nhost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"
    text = last(text + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
    said = await scene.say(*(text[at : at + 1] for at in range(len(text))))
    assert said.endswith(b"\r\n\r\n/ahello")
    head = scene.target.heads[0].lower()
    assert b"content-length: 5" in head
    assert b"chunked" not in head


async def test_what_concerns_one_connection_stays_there(scene: Scene) -> None:
    """Neither way; who the client is, is added to what other proxies said."""
    text = GET.replace(
        b"\r\n\r\n", b"\r\nTE: x\r\nX-Forwarded-For: 9.9.9.9\r\nKeep-Alive: 5\r\n\r\n"
    )
    said = await scene.say(last(text))
    assert b"keep-alive" not in said
    head = scene.target.heads[0].lower()
    assert b"x-forwarded-for: 9.9.9.9, 127.0.0.1\r\n" in head
    assert not {b"te", b"keep-alive", b"connection"} & {
        line.partition(b":")[0] for line in head.split(b"\r\n")
    }


async def test_a_head_has_the_length_and_no_body(scene: Scene) -> None:
    """And the client's connection goes on."""
    said = await scene.say(GET.replace(b"GET", b"HEAD") + last(GET))
    head, _, rest = said.partition(b"\r\n\r\n")
    assert b"content-length: 2" in head
    assert rest.startswith(b"HTTP/1.1 200 OK")


async def test_a_client_that_asks_is_told_to_go_on(scene: Scene) -> None:
    """The target is not asked the same again."""
    text = last(
        b"POST /a HTTP/1.1\r\nhost: shop\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    )
    said = await scene.say(text, b"hi")
    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    assert b"expect" not in scene.target.heads[0].lower()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"this is no HTTP\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: shop\r\nx: " + b"y" * 70_000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nContent-Length: 1100000\r\n\r\n" + b"y" * 1_100_000, 413),
    ],
)
async def test_what_cannot_be_read_is_refused(scene: Scene, text: bytes, status: int) -> None:
    """With a status that says why, before any target hears of it."""
    assert (await scene.say(text)).startswith(b"HTTP/1.1 %d " % status)
    assert scene.target.heads == []


async def test_an_old_client_gets_one_answer(scene: Scene) -> None:
    """HTTP/1.0 keeps no connection."""
    said = await scene.say(GET.replace(b"1.1", b"1.0"))
    assert said.endswith(b"/a")
    assert b"connection: close" in said


async def test_a_client_that_says_nothing_is_let_go(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the idle time-out; requests before that are answered."""
    monkeypatch.setattr(downstream, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(downstream, "_SWEEP_SECONDS", 0.02)
    other = socket.socket()
    other.bind(("127.0.0.1", 0))
    server = downstream.Server(answered)
    await server.start(other)
    reader, writer = await asyncio.open_connection(*other.getsockname())
    writer.write(GET)
    async with asyncio.timeout(20):
        assert (await reader.read()).endswith(b"well")
    writer.close()
    await server.close()


async def answered(_request: downstream.Request) -> downstream.Response:
    return downstream.Response(200, body=b"well")


async def test_a_handler_that_fails_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    """And is heard of; the connection goes on."""

    async def fails(request: downstream.Request) -> downstream.Response:
        if request.path == "/a":
            raise LookupError("nothing")
        return await answered(request)

    other = socket.socket()
    other.bind(("127.0.0.1", 0))
    server = downstream.Server(fails)
    await server.start(other)
    reader, writer = await asyncio.open_connection(*other.getsockname())
    writer.write(GET + last(GET).replace(b"/a", b"/b"))
    async with asyncio.timeout(20):
        said = await reader.read()
    writer.close()
    await server.close()
    assert said.startswith(b"HTTP/1.1 500 ")
    assert said.endswith(b"well")
    assert "b'/a' was not answered" in caplog.text


async def test_a_redirect_names_the_clients_own_host(scene: Scene) -> None:
    """By the host header, path and query of the request."""
    config = {"StatusCode": "HTTP_301", "Protocol": "HTTPS", "Port": "443"}
    await scene.configure(default=[{"Type": "redirect", "RedirectConfig": config}])
    said = await scene.say(last(GET).replace(b"/a", b"/a?b=1"))
    assert said.startswith(b"HTTP/1.1 301 ")
    assert b"location: https://shop:443/a?b=1\r\n" in said


# Targets -----------------------------------------------------------------------------------


async def test_a_connection_to_a_target_is_used_again(scene: Scene) -> None:
    """One after the other through one connection; at once through as many as needed."""
    for _ in range(3):
        assert (await scene.say(last(GET))).endswith(b"/a")
    assert scene.target.connections == 1
    await asyncio.gather(*(scene.say(last(GET)) for _ in range(4)))
    assert 1 < scene.target.connections <= 4


async def test_a_pooled_connection_that_was_closed_loses_no_get(scene: Scene) -> None:
    """It is sent again, once, on a new connection; a POST, which may have had an effect, never."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await scene.target.read(reader)
        writer.write(OK)
        await scene.target.read(reader)  # and hangs up without an answer

    scene.target.talk = talk
    assert (await scene.say(last(GET))).endswith(b"ok")
    assert (await scene.say(last(GET))).endswith(b"ok")
    assert (len(scene.target.heads), scene.target.connections) == (3, 2)
    said = await scene.say(last(GET).replace(b"GET", b"POST"))
    assert said.startswith(b"HTTP/1.1 502 ")
    assert (len(scene.target.heads), scene.target.connections) == (4, 2)


async def test_a_target_that_closes_after_each_answer_is_asked_anew(scene: Scene) -> None:
    """`Connection: close` is heeded."""
    answer = OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    scene.target.answering(*[answer] * 3)
    for _ in range(3):
        said = await scene.say(last(GET).replace(b"GET", b"POST"))
        assert said.startswith(b"HTTP/1.1 200 ")
    assert scene.target.connections == 3


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"d\r\nuntil the end\r\n0\r\n\r\n"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b"\r\n\r\n"),
    ],
)
async def test_whatever_an_answer_looks_like_it_is_passed_on(
    scene: Scene, answer: bytes, wanted: bytes
) -> None:
    """Interim answers are not; a body that ends with the connection goes on in chunks."""
    scene.target.answering(answer)
    said = await scene.say(last(GET))
    assert said.startswith(b"HTTP/1.1 20")
    assert said.partition(b"\r\n\r\n")[2] == wanted.removeprefix(b"\r\n\r\n")
    assert b"link" not in said


@pytest.mark.parametrize(
    "answer",
    [
        b"what?\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ncontent-le",
    ],
)
async def test_half_an_answer_is_a_502(scene: Scene, answer: bytes) -> None:
    """Nothing of it is shown to a client as if it were whole."""
    scene.target.answering(answer)
    assert (await scene.say(last(GET))).startswith(b"HTTP/1.1 502 ")
    taken = scene.balancer.counts.take()
    assert taken["balancers"] == [{"balancer": BALANCER, "own": [[502, 1]]}]


async def test_a_stream_that_falls_silent_is_broken_off(scene: Scene) -> None:
    """After the listener's idle time-out, which each piece starts anew."""
    await scene.configure(silence=0.2)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await scene.target.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(3):
            await asyncio.sleep(0.12)
            writer.write(b"1\r\nx\r\n")
        await reader.readexactly(1)

    scene.target.talk = talk
    reader, writer = await scene.connect()
    writer.write(GET)
    said = b""
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(20):
            while piece := await reader.read(1000):
                said += piece
    assert said.count(b"1\r\nx\r\n") == 3
    assert not said.endswith(b"0\r\n\r\n")
    writer.close()


async def test_a_client_that_leaves_a_stream_ends_it(scene: Scene) -> None:
    """The target's connection is closed at the next piece."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await scene.target.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1\r\nx\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    scene.target.talk = talk
    reader, writer = await scene.connect()
    writer.write(GET)
    await reader.readuntil(b"1\r\nx\r\n")
    writer.transport.abort()
    async with asyncio.timeout(20):
        await scene.target.gone.wait()


async def test_a_slow_client_is_not_read_for(scene: Scene) -> None:
    """Every byte of a long stream arrives, though the client takes its time."""
    size = 4_000_000

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await scene.target.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(100):
            writer.write(b"9c40\r\n" + b"z" * (size // 100) + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    scene.target.talk = talk
    reader, writer = await scene.connect()
    writer.write(last(GET))
    await asyncio.sleep(0.2)
    async with asyncio.timeout(20):
        said = await reader.read()
    assert said.count(b"z") == size
    writer.close()


async def test_a_connection_that_had_to_wait_is_used_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that ended while its target was held back leaves a connection that listens."""
    monkeypatch.setattr(upstream, "_AHEAD", 1)
    await scene.configure(silence=5.0)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await scene.target.read(reader)
            head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
            writer.write(head + b"4\r\nlong\r\n0\r\n\r\n")

    scene.target.talk = talk
    for _ in range(3):
        assert (await scene.say(last(GET))).endswith(b"4\r\nlong\r\n0\r\n\r\n")
    assert scene.target.connections == 1
