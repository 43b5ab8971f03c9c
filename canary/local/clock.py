"""The virtual clock of an embedded region: real time, `factor` times as fast."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ENVIRONMENT_NAME", "Clock"]

ENVIRONMENT_NAME = "CANARY_CLOCK"


@dataclass(frozen=True)
class Clock:
    """Virtual time: at real time `origin_real` it was `origin_virtual`, then `factor` times faster.

    Both origins are epoch seconds. Every process of a region is given the same three numbers, so
    they agree on the time without talking to each other.
    """

    origin_real: float
    origin_virtual: float
    factor: float

    def __post_init__(self) -> None:
        if self.factor <= 0:
            raise ValueError(f"a clock's factor is above 0, not {self.factor}")

    @classmethod
    def starting_now(cls, factor: float) -> Clock:
        """A clock that shows the real time now and runs `factor` times faster from here on."""
        now = time.time()
        return cls(now, now, factor)

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> Clock:
        """The clock that `env_value` wrote. Raises `KeyError` without one."""
        real, virtual, factor = environment[ENVIRONMENT_NAME].split(":")
        return cls(float(real), float(virtual), float(factor))

    def env_value(self) -> str:
        """What `from_env` reads in a child process."""
        return f"{self.origin_real!r}:{self.origin_virtual!r}:{self.factor!r}"

    def now(self) -> float:
        """The virtual time of day as epoch seconds."""
        return self.origin_virtual + (time.time() - self.origin_real) * self.factor

    def real_seconds(self, virtual: float) -> float:
        """How long `virtual` seconds last in reality."""
        return virtual / self.factor

    def sleep(self, virtual: float, stop_event: threading.Event | None = None) -> bool:
        """Wait `virtual` seconds; True when `stop_event` was set before they had passed."""
        real = max(0.0, self.real_seconds(virtual))
        if stop_event is not None:
            return stop_event.wait(real)
        time.sleep(real)
        return False
