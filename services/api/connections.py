"""Scripts that Redis runs for a turn, over connections that are kept open.

A connection is redis-py's: it connects, signs in, encrypts, packs and parses. What redis-py's
client, pool and retries do around each command costs more than that (docs/decisions/0026), so a
call takes a connection that is free and asks.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, Self

from redis.asyncio.connection import Connection, SSLConnection
from redis.exceptions import ConnectionError as LostConnectionError
from redis.exceptions import NoScriptError

from services.api.settings import Settings

__all__ = ["Connections", "Script", "connect"]

MOST_CONNECTIONS = 64

Argument = str | bytes | int | float


class Script:
    """A script in Lua, and the digest by which Redis knows it once it has run."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Connections:
    """A few connections, made when they are needed, each lent to one call at a time.

    A burst of turns waits for one, so that no turn goes without its session. How long a call may
    take is its caller's to say, by cancelling it: its connection is closed then, for an answer is
    still to come on it.
    """

    def __init__(self, make: Callable[[], Connection]) -> None:
        self._make = make
        self._room = asyncio.Semaphore(MOST_CONNECTIONS)
        self._free: list[Connection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections that are free."""
        while self._free:
            await self._free.pop().disconnect()

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """What the script answers.

        A connection that was lost since its last call is made anew once, at once.

        Raises redis-py's `RedisError`, or `OSError`.
        """
        async with self._room:
            connection = self._free.pop() if self._free else self._make()
            kept = connection.is_connected
            try:
                return await _run(connection, script, keys, arguments)
            except LostConnectionError:
                if not kept:
                    raise
                return await _run(connection, script, keys, arguments)
            finally:
                self._free.append(connection)


async def _run(
    connection: Connection, script: Script, keys: Sequence[str], arguments: Sequence[Argument]
) -> Any:
    try:
        return await _ask(connection, "EVALSHA", script.digest, len(keys), *keys, *arguments)
    except NoScriptError:
        return await _ask(connection, "EVAL", script.text, len(keys), *keys, *arguments)


async def _ask(connection: Connection, *command: Argument) -> Any:
    await connection.send_command(*command)
    return await connection.read_response()


def connect(settings: Settings) -> Connections:
    """Connections to the cache of the settings, none of them made yet."""
    secret = settings.cache_secret
    password = json.loads(secret)["password"] if secret.startswith("{") else secret
    kind = SSLConnection if settings.cache_tls == "true" else Connection

    def make() -> Connection:
        return kind(
            host=settings.cache_host,
            port=int(settings.cache_port),
            username=(settings.cache_user or None) if password else None,
            password=password or None,
            socket_timeout=None,
            socket_connect_timeout=None,
            decode_responses=True,
        )

    return Connections(make)
