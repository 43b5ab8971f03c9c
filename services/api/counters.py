"""Each arm's attempts, errors, slow and throttled requests, as embedded metrics.

Two views of the same counts: what happened since the last line, for sums over any period, and the
task's rolling 60 seconds, for an alarm that looks every 10 seconds at a whole minute. The control's
turns are counted once more, weighted to the canary's mix of times and intents: the fair comparison.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from canary.routing.matching import MATCHED, matching_weight

__all__ = ["COUNTED", "PUBLISH_SECONDS", "WINDOW_SECONDS", "Counters", "Counts"]

Arm = Literal["control", "canary"]
COUNTED = ("control", MATCHED, "canary")
"""In the order of their lines: a reader between two lines never misses the control's."""
_DECIMALS = 6
PUBLISH_SECONDS = 10.0
WINDOW_SECONDS = 60.0
_METRICS = {
    "Requests": "requests",
    "Errors": "errors",
    "SlowRequests": "slow",
    "Throttles": "throttles",
}


@dataclass
class Counts:
    """Turns of one arm: all of them, and those that failed, were slow, or were throttled."""

    requests: float = 0
    errors: float = 0
    slow: float = 0
    throttles: float = 0

    def add(self, other: Counts) -> None:
        """Add the other's counts to these."""
        self.requests += other.requests
        self.errors += other.errors
        self.slow += other.slow
        self.throttles += other.throttles


class _Rolling:
    """One arm's counts since the last line, and by whole second for a minute."""

    def __init__(self) -> None:
        self.since_line = Counts()
        self._seconds: deque[tuple[int, Counts]] = deque()

    def record(self, now: float, one: Counts) -> None:
        self.since_line.add(one)
        second = int(now)
        if not self._seconds or self._seconds[-1][0] < second:
            self._seconds.append((second, Counts()))
        self._seconds[-1][1].add(one)
        self._forget(now)

    def last_minute(self, now: float) -> Counts:
        self._forget(now)
        total = Counts()
        for _, counts in self._seconds:
            total.add(counts)
        return total

    def _forget(self, now: float) -> None:
        while self._seconds and self._seconds[0][0] <= now - WINDOW_SECONDS:
            self._seconds.popleft()


class Counters:
    """The counts of this task, by arm and for the matched control. Times are epoch seconds."""

    def __init__(self) -> None:
        self._arms = {arm: _Rolling() for arm in COUNTED}

    def record(
        self,
        arm: Arm,
        now: float,
        *,
        p_canary: float | None,
        error: bool = False,
        slow: bool = False,
        throttled: bool = False,
    ) -> None:
        """Count one turn in the arm that was asked first; what answered it does not matter.

        `p_canary` is the probability of the unit's draw, None when it was not drawn.
        """
        self._arms[arm].record(now, Counts(1, int(error), int(slow), int(throttled)))
        if arm == "control" and (weight := matching_weight(p_canary)):
            weighted = Counts(weight, weight * error, weight * slow, weight * throttled)
            self._arms[MATCHED].record(now, weighted)

    def take(self, now: float) -> dict[str, dict[str, float]]:
        """The eight figures of each arm; the counts since the last call start anew."""
        taken: dict[str, dict[str, float]] = {}
        for arm, rolling in self._arms.items():
            minute = rolling.last_minute(now)
            values = {name: getattr(rolling.since_line, key) for name, key in _METRICS.items()}
            values |= {f"{name}60s": getattr(minute, key) for name, key in _METRICS.items()}
            rolling.since_line = Counts()
            taken[arm] = {name: round(value, _DECIMALS) for name, value in values.items()}
        return taken
