"""A child process that talks JSON lines."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from canary.local.processes import Processes

__all__ = ["Child", "ChildError"]


class ChildError(RuntimeError):
    """A child ended or stayed silent when it should have spoken."""


class Child:
    """`python -m module arguments...` in a process group of its own."""

    def __init__(
        self,
        processes: Processes,
        module: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        on_line: Callable[[Any], None] = lambda _line: None,
    ) -> None:
        self.name = module.rpartition(".")[2]
        self._processes = processes
        self._log = log
        self._on_line = on_line
        self._spoken = threading.Condition()
        self._last: Any = None
        self._ended = False
        with log.open("wb") as stderr:
            self._process = processes.start(
                [sys.executable, "-m", module, *arguments],
                environment=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        self._reader = threading.Thread(target=self._read, name=self.name, daemon=True)
        self._reader.start()

    def tell(self, line: Mapping[str, Any]) -> None:
        """Write one JSON line to the child; a child that is gone hears nothing."""
        stdin = self._process.stdin
        if stdin is not None:
            with contextlib.suppress(BrokenPipeError, ValueError):
                stdin.write(json.dumps(line).encode() + b"\n")
                stdin.flush()

    def wait_for(self, wanted: Callable[[Any], bool], seconds: float) -> Any:
        """The first line from now on (or the last one said) that is wanted. Raises `ChildError`."""
        with self._spoken:
            met = self._spoken.wait_for(
                lambda: self._ended or (self._last is not None and wanted(self._last)), seconds
            )
            if self._last is not None and wanted(self._last):
                return self._last
        last = self._log.read_text(errors="replace").strip().splitlines()[-5:]
        why = "ended" if met else f"said nothing for {seconds:g} s"
        raise ChildError(f"{self.name} {why}: {' | '.join(last) or 'no message'}")

    def stop(self) -> None:
        """End the child."""
        self._processes.stop(self._process)

    def _read(self) -> None:
        stdout = self._process.stdout
        if stdout is None:
            return
        for raw in stdout:
            with contextlib.suppress(ValueError):
                line = json.loads(raw)
                self._on_line(line)
                with self._spoken:
                    self._last = line
                    self._spoken.notify_all()
        with self._spoken:
            self._ended = True
            self._spoken.notify_all()
