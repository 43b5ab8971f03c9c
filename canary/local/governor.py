"""Slows the region's clock while the machine has no time to spare, and quickens it again.

The pace that a machine was given at the start is a guess: it may become slower, or someone else may
begin to use it. Then functions and requests would take so long in virtual time that customers see
time-outs which no model caused.
"""

from __future__ import annotations

from collections.abc import Callable

import psutil

from canary.local.clock import Clock
from canary.local.lasting import LastingThread
from canary.local.speed import SLOWEST

__all__ = ["Governor", "next_factor"]

BUSY_PERCENT = 95.0
IDLE_PERCENT = 85.0
_SLOWER, _QUICKER = 0.8, 1.1
_MOST_SLOWED = 4.0
_EVERY_SECONDS = 10.0
"""Real: the functions of a minute come at once and are over within it, on a slow machine too."""


def next_factor(factor: float, busy_percent: float, quickest: float) -> float:
    """The pace for the next seconds: down soon, up slowly, never above the first one.

    It is not slowed for ever: a machine that others use wholly still shares its time out.
    """
    if busy_percent > BUSY_PERCENT:
        return max(SLOWEST, quickest / _MOST_SLOWED, factor * _SLOWER)
    if busy_percent < IDLE_PERCENT:
        return min(quickest, factor * _QUICKER)
    return factor


class Governor:
    """A thread that sets the pace of a shared clock by how busy the whole machine is."""

    def __init__(
        self, clock: Clock, busy_percent: Callable[[], float] = psutil.cpu_percent
    ) -> None:
        self._clock = clock
        self._busy_percent = busy_percent
        self._quickest = clock.factor
        self._thread = LastingThread("governor", self._run)

    def start(self) -> None:
        """Watch from now on."""
        self._busy_percent()  # the first answer is since the last question
        self._thread.start()

    def stop(self) -> None:
        """Leave the clock as it is."""
        self._thread.end()

    def _run(self) -> None:
        while not self._thread.ending.wait(_EVERY_SECONDS):
            before = self._clock.factor
            factor = next_factor(before, self._busy_percent(), self._quickest)
            if factor != before:
                self._clock.run_at(factor)
