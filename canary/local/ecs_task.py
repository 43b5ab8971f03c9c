"""One task: a real process from its start, through health checks, to its orderly end."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from canary.local.processes import Processes
from canary.local.targets import Targets

__all__ = ["Blueprint", "Task", "TaskStatus"]

_DRAIN_SECONDS = 1.0
_PROBE_SECONDS = 0.05
_WATCH_SECONDS = 0.1
_CHECK_SECONDS = 1.0
_PROBE_TIMEOUT = 2.0
_UNHEALTHY_AFTER = 3
_START_SECONDS = 240.0

OnLine = Callable[[str, str], None]


class TaskStatus(StrEnum):
    """Where a task stands, in the words of ECS."""

    PENDING = "PENDING"
    """The process is starting; its health check has not passed yet."""
    RUNNING = "RUNNING"
    """It is registered and serves."""
    DEACTIVATING = "DEACTIVATING"
    """It is deregistered and finishes what it has."""
    STOPPED = "STOPPED"
    """Its process has ended."""


@dataclass(frozen=True)
class Blueprint:
    """What a task is made from."""

    container: str
    environment: Mapping[str, str]
    log_group: str
    target_groups: tuple[str, ...]
    health_path: str


class Task:
    """A task of a service or task set; a thread of its own follows it through its life."""

    def __init__(self, *, arn: str, group: str, started_by: str, task_definition: str) -> None:
        self.id = arn.rsplit("/", 1)[1]
        self.arn = arn
        self.group = group
        self.started_by = started_by
        self.task_definition = task_definition
        self.status = TaskStatus.PENDING
        self.created_at = dt.datetime.now(tz=dt.UTC)
        self.reason = ""
        self.unexpected = False
        """Whether it ended although nobody asked it to."""
        self._child: subprocess.Popen[bytes] | None = None
        self._stop = threading.Event()
        self._address = ("127.0.0.1", 0)
        self._blueprint: Blueprint | None = None

    @staticmethod
    def new_arn(region: str, account: str, cluster: str) -> str:
        """The ARN of a task that does not exist yet."""
        return f"arn:aws:ecs:{region}:{account}:task/{cluster}/{uuid.uuid4().hex}"

    def start(
        self,
        blueprint: Blueprint,
        processes: Processes,
        targets: Targets,
        checkout: Path,
        on_line: OnLine,
    ) -> None:
        """Start the process and follow it in the background."""
        self._blueprint = blueprint
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self._address = listener.getsockname()
            self._child = processes.start(
                [
                    *(sys.executable, "-m", "canary.local.serve"),
                    f"services.{blueprint.container}.app:app",
                    *("--fd", str(listener.fileno())),
                ],
                environment=blueprint.environment,
                directory=checkout,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(listener.fileno(),),
            )
        name = f"task-{self.id[:8]}"
        output = self._child.stdout
        if output is not None:
            threading.Thread(
                target=_read_lines,
                args=(output, blueprint.log_group, on_line),
                name=f"{name}-lines",
                daemon=True,
            ).start()
        threading.Thread(
            target=self._live, args=(processes, targets), name=name, daemon=True
        ).start()

    def stop(self, reason: str) -> None:
        """Deregister, drain, then end the process, in the background."""
        if not self._stop.is_set():
            self.reason = reason
            self._stop.set()

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop, or has."""
        return self._stop.is_set() or self.status is TaskStatus.STOPPED

    def _live(self, processes: Processes, targets: Targets) -> None:
        child = self._child
        assert child is not None
        try:
            if self._become_healthy(child):
                self._set_state(targets, "healthy")
                self.status = TaskStatus.RUNNING
                self._stay_healthy(child, targets)
            if child.poll() is None:
                self.status = TaskStatus.DEACTIVATING
                self._set_state(targets, "draining")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(_DRAIN_SECONDS)
            elif not self._stop.is_set():
                self.unexpected = True
                self.reason = f"the process ended with {child.returncode}"
        finally:
            for group in self._groups():
                targets.remove(group, self._address)
            processes.stop(child)
            self.status = TaskStatus.STOPPED

    def _become_healthy(self, child: subprocess.Popen[bytes]) -> bool:
        waited = 0.0
        while child.poll() is None and not self._stop.wait(_PROBE_SECONDS):
            if self._probe():
                return True
            waited += _PROBE_SECONDS
            if waited > _START_SECONDS:
                self.unexpected = True
                self.reason = "the health check never passed"
                return False
        return False

    def _stay_healthy(self, child: subprocess.Popen[bytes], targets: Targets) -> None:
        failures = 0
        since_check = 0.0
        while child.poll() is None and not self._stop.wait(_WATCH_SECONDS):
            since_check += _WATCH_SECONDS
            if since_check < _CHECK_SECONDS:
                continue
            since_check = 0.0
            failures = 0 if self._probe() else failures + 1
            self._set_state(targets, "unhealthy" if failures >= _UNHEALTHY_AFTER else "healthy")

    def _probe(self) -> bool:
        path = self._blueprint.health_path if self._blueprint else "/"
        connection = http.client.HTTPConnection(*self._address, timeout=_PROBE_TIMEOUT)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _set_state(self, targets: Targets, state: str) -> None:
        for group in self._groups():
            targets.set(group, self._address, state)  # type: ignore[arg-type]

    def _groups(self) -> tuple[str, ...]:
        return self._blueprint.target_groups if self._blueprint else ()


def _read_lines(output: IO[bytes], log_group: str, on_line: OnLine) -> None:
    for line in output:
        on_line(log_group, line.decode(errors="replace").rstrip("\n"))
