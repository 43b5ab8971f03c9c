"""Warm workers of functions: forks them, lends one to each invocation, kills what times out."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from canary.local.processes import Processes

__all__ = ["InitError", "TimedOutError", "Worker", "WorkerPool"]

_INIT_SECONDS = 60.0
_HEADER_BYTES = 4


class TimedOutError(Exception):
    """The function did not answer within its time-out; its worker was killed."""


class InitError(Exception):
    """The function's module could not be imported; `details` is what Lambda would answer."""

    def __init__(self, details: dict[str, Any], logs: str) -> None:
        super().__init__(f"{details.get('errorType')}: {details.get('errorMessage')}")
        self.details = details
        self.logs = logs


class Worker:
    """One process with one function's handler imported; it serves one event at a time."""

    def __init__(self, pid: int, channel: socket.socket, log: io.BufferedRandom) -> None:
        self.pid = pid
        self._channel = channel
        self._stream = channel.makefile("rw", encoding="utf-8", newline="\n")
        self._log = log
        self._read_to = 0

    def wait_until_ready(self) -> None:
        """Return when the handler is imported. Raises `InitError`."""
        answer = self._receive(_INIT_SECONDS)
        if "error" in answer:
            self.kill()
            raise InitError(answer["error"], self.take_logs())

    def invoke(self, event: Any, context: dict[str, Any]) -> dict[str, Any]:
        """The handler's answer, `{"ok": ...}` or `{"error": ...}`. Raises `TimedOutError`."""
        self._stream.write(json.dumps({"event": event, "context": context}) + "\n")
        self._stream.flush()
        return self._receive(float(context["timeout_seconds"]))

    def take_logs(self) -> str:
        """What the worker has printed since the last call."""
        size = os.fstat(self._log.fileno()).st_size
        data = os.pread(self._log.fileno(), size - self._read_to, self._read_to)
        self._read_to += len(data)
        return data.decode(errors="replace")

    def kill(self) -> None:
        """End the process at once."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._channel.close()

    def _receive(self, seconds: float) -> dict[str, Any]:
        self._channel.settimeout(seconds)
        try:
            line = self._stream.readline()
        except TimeoutError:
            self.kill()
            raise TimedOutError from None
        if not line:
            self._channel.close()
            return {
                "error": {
                    "errorType": "Runtime.ExitError",
                    "errorMessage": "the function's process ended before it answered",
                }
            }
        answer: dict[str, Any] = json.loads(line)
        return answer


class WorkerPool:
    """Forks workers from one warm process and keeps the idle ones by key."""

    def __init__(self, processes: Processes, checkout: Path) -> None:
        self._processes = processes
        self._checkout = checkout
        self._idle: dict[str, list[Worker]] = {}
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._control_lock = threading.Lock()

    def start(self, environment: Mapping[str, str]) -> None:
        """Start the process that forks; it has imported the SDK when it answers first."""
        ours, theirs = socket.socketpair()
        self._processes.start(
            [sys.executable, "-m", "canary.local.lambda_fork", str(theirs.fileno())],
            environment={
                **environment,
                "PYTHONPATH": str(self._checkout),
                "PYTHONUNBUFFERED": "1",
                "OPENBLAS_NUM_THREADS": "1",
                "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",
            },
            directory=self._checkout,
            pass_fds=(theirs.fileno(),),
        )
        theirs.close()
        self._control = ours

    def take(self, key: str, spec: Mapping[str, Any]) -> Worker:
        """An idle worker of this key, or a new one. Raises `InitError`."""
        with self._lock:
            if idle := self._idle.get(key):
                return idle.pop()
        worker = self._fork({**spec, "checkout": str(self._checkout)})
        worker.wait_until_ready()
        return worker

    def give_back(self, key: str, worker: Worker) -> None:
        """Keep a worker that answered for the next invocation."""
        with self._lock:
            self._idle.setdefault(key, []).append(worker)

    def _fork(self, spec: Mapping[str, Any]) -> Worker:
        if self._control is None:
            raise RuntimeError("the worker pool was not started")
        ours, theirs = socket.socketpair()
        log = tempfile.TemporaryFile(dir=self._processes.directory)  # noqa: SIM115 - the worker's
        body = json.dumps(spec).encode()
        message = len(body).to_bytes(_HEADER_BYTES, "big") + body
        with self._control_lock:
            sent = socket.send_fds(self._control, [message], [theirs.fileno(), log.fileno()])
            self._control.sendall(message[sent:])
            pid = int.from_bytes(self._control.recv(_HEADER_BYTES), "big")
        theirs.close()
        if pid == 0:
            raise RuntimeError("the process that forks functions has ended")
        return Worker(pid, ours, log)
