"""The virtual clock of an embedded region: real time, `factor` times as fast."""

from __future__ import annotations

import mmap
import os
import struct
import threading
import time
from collections.abc import Mapping
from pathlib import Path

__all__ = ["ENVIRONMENT_NAME", "LOOK_SECONDS", "Clock"]

ENVIRONMENT_NAME = "CANARY_CLOCK"
_LINE = struct.Struct("<ddd")
LOOK_SECONDS = 1.0
"""Real: who waits looks this often whether the clock runs at another pace by now."""


class Clock:
    """Virtual time: at real time `origin_real` it was `origin_virtual`, then `factor` times faster.

    Both origins are epoch seconds. Every process of a region is given the same three numbers, so
    they agree on the time without talking to each other. A clock that was shared reads them from a
    file in memory, and `run_at` changes them for everybody at once.
    """

    def __init__(
        self, origin_real: float, origin_virtual: float, factor: float, file: Path | None = None
    ) -> None:
        if factor <= 0:
            raise ValueError(f"a clock's factor is above 0, not {factor}")
        self._own = (origin_real, origin_virtual, factor)
        self._file = file
        self._shared = _mapped(file) if file else None

    @classmethod
    def starting_now(cls, factor: float) -> Clock:
        """A clock that shows the real time now and runs `factor` times faster from here on."""
        now = time.time()
        return cls(now, now, factor)

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> Clock:
        """The clock that `env_value` wrote. Raises `KeyError` without one."""
        real, virtual, factor, *file = environment[ENVIRONMENT_NAME].split(":", maxsplit=3)
        return cls(float(real), float(virtual), float(factor), Path(file[0]) if file else None)

    def env_value(self) -> str:
        """What `from_env` reads in a child process."""
        numbers = ":".join(repr(each) for each in self._own)
        return f"{numbers}:{self._file}" if self._file else numbers

    def share(self, file: Path) -> None:
        """Keep the clock in `file` from now on, for who is given its `env_value`."""
        file.write_bytes(_LINE.pack(*self._own))
        self._file, self._shared = file, _mapped(file)

    def run_at(self, factor: float) -> None:
        """Run `factor` times as fast as real time from now on; no moment is skipped or repeated.

        For the process that shared the clock. Raises `RuntimeError` for a clock that was not.
        """
        if self._shared is None:
            raise RuntimeError("a clock that is not shared keeps its pace")
        real, virtual, before = self._line()
        now = time.time()
        self._shared[:] = _LINE.pack(now, virtual + (now - real) * before, factor)

    @property
    def factor(self) -> float:
        """Virtual seconds a real second, at the moment."""
        return self._line()[2]

    def now(self) -> float:
        """The virtual time of day as epoch seconds."""
        real, virtual, factor = self._line()
        return virtual + (time.time() - real) * factor

    def real_seconds(self, virtual: float) -> float:
        """How long `virtual` seconds last in reality, at the pace of the moment."""
        return virtual / self.factor

    def sleep(self, virtual: float, stop_event: threading.Event | None = None) -> bool:
        """Wait `virtual` seconds; True when `stop_event` was set before they had passed."""
        until = self.now() + virtual
        while (left := self.real_seconds(until - self.now())) > 0:
            if stop_event is None:
                time.sleep(min(left, LOOK_SECONDS))
            elif stop_event.wait(min(left, LOOK_SECONDS)):
                return True
        return stop_event is not None and stop_event.is_set()

    def _line(self) -> tuple[float, float, float]:
        if self._shared is None:
            return self._own
        while (line := self._shared[:]) != self._shared[:]:
            pass  # it was being written
        return _LINE.unpack(line)


def _mapped(file: Path) -> mmap.mmap:
    with file.open("r+b") as opened:
        return mmap.mmap(opened.fileno(), _LINE.size)
