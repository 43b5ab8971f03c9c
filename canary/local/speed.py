"""How fast the region's clock runs: on a slow machine slower, with the same release in it.

Services, functions and load balancers are real programs, and take real time that no clock shortens.
A machine that is too slow for them at the usual clock would show customers time-outs that no model
caused. So the clock is slowed, customers come as much later, and what happens in a virtual minute
stays the same.
"""

from __future__ import annotations

import statistics
import time

__all__ = ["QUICKEST", "clock_factor", "rate_factor"]

QUICKEST = 60.0
"""Virtual seconds a real second on an ordinary machine: a virtual minute is a second."""
SLOWEST = 6.0
USUAL_CONVERSATIONS = 50.0
"""A virtual minute: what a scenario has that says nothing of its load."""
ORDINARY_SECONDS = 0.06
"""What a million steps take on two cores that have half of their time to spare at `QUICKEST`, with
as many conversations."""
_STEPS = 200_000
_SAMPLES = 7


def clock_factor(conversations: float = USUAL_CONVERSATIONS) -> float:
    """The factor for this machine as it is now, with whatever else it does.

    `conversations` a virtual minute are served: twice the usual ones take half the pace.
    """
    needed = statistics.median(_seconds_a_million() for _ in range(_SAMPLES))
    needed *= max(1.0, conversations / USUAL_CONVERSATIONS)
    return max(SLOWEST, min(QUICKEST, float(round(QUICKEST * ORDINARY_SECONDS / needed))))


def rate_factor(factor: float) -> float:
    """By how much fewer customers come in a real second under a clock of `factor`, at most 1."""
    return min(1.0, factor / QUICKEST)


def _seconds_a_million() -> float:
    total, started = 0, time.perf_counter()
    for step in range(_STEPS):
        total += step * step
    return (time.perf_counter() - started) * 1_000_000 / _STEPS
