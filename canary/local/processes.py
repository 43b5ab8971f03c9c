"""Starts, tracks and ends every child process of an embedded region, and owns its run directory."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

__all__ = ["Processes"]

_CLOSE_SECONDS = 2.0
"""What all children together get to end in."""
_GUARDIAN = Path(__file__).with_name("guardian.py")


class Processes:
    """The children of one region, each in a process group of its own, and their files.

    Ctrl-C therefore reaches this process alone, which ends the others in order; `close` also runs
    at exit, and a guardian process cleans up when even that is not possible (SIGKILL). It works
    the same on Linux and macOS.
    """

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="canary-"))
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._guardian = subprocess.Popen(
            [sys.executable, "-S", "-E", str(_GUARDIAN), str(self.directory)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path | None = None,
        stdin: int | IO[bytes] | None = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a child with exactly this environment. Raises `RuntimeError` after `close`."""
        with self._lock:
            if self._closed:
                raise RuntimeError("the region is closing: no process is started any more")
            child = subprocess.Popen(
                list(command),
                env=dict(environment),
                cwd=directory,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=tuple(pass_fds),
                start_new_session=True,
            )
            self._children[child.pid] = child
            self._tell_guardian(f"+{child.pid}")
        return child

    def stop(self, child: subprocess.Popen[bytes], grace_seconds: float = 5.0) -> None:
        """Ask a child to end (SIGTERM), and make it after `grace_seconds` (real)."""
        if child.poll() is None:
            self._signal(child, signal.SIGTERM)
            try:
                child.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                self._signal(child, signal.SIGKILL)
                child.wait()
        self._forget(child)

    def kill(self, child: subprocess.Popen[bytes]) -> None:
        """End a child and its group at once (SIGKILL)."""
        self._signal(child, signal.SIGKILL)
        child.wait()
        self._forget(child)

    def close(self) -> None:
        """End every child, then remove the run directory; a second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            children = list(self._children.values())
        atexit.unregister(self.close)
        for child in children:
            self._signal(child, signal.SIGTERM)
        deadline = time.monotonic() + _CLOSE_SECONDS
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
        for child in children:
            self.kill(child)
        if self._guardian.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._guardian.stdin.close()
        self._guardian.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _signal(self, child: subprocess.Popen[bytes], number: signal.Signals) -> None:
        # A child that was already waited for may have lent its id to somebody else.
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, number)

    def _forget(self, child: subprocess.Popen[bytes]) -> None:
        with self._lock:
            if self._children.pop(child.pid, None) is not None:
                self._tell_guardian(f"-{child.pid}")

    def _tell_guardian(self, line: str) -> None:
        if self._guardian.stdin:
            with contextlib.suppress(BrokenPipeError, ValueError):
                self._guardian.stdin.write(f"{line}\n".encode())
                self._guardian.stdin.flush()
