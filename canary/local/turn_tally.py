"""Running tallies over the events that tasks write: for the view, and for the report at the end."""

from __future__ import annotations

import math
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ArmWindow", "TurnTally"]

BIN_SECONDS = 10
BINS = 720
NO_ARM = "none"
"""Where turns outside a release are counted."""


@dataclass
class ArmWindow:
    """One arm over a window: turns, how many failed, were slow or throttled, and latencies."""

    requests: int = 0
    errors: int = 0
    slow: int = 0
    throttled: int = 0
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def error_rate(self) -> float | None:
        """Errors over turns; None without turns."""
        return self.errors / self.requests if self.requests else None

    @property
    def slow_rate(self) -> float | None:
        """Slow turns over turns; None without turns."""
        return self.slow / self.requests if self.requests else None

    @property
    def p99_ms(self) -> float | None:
        """Nearest-rank 99th percentile of the latency; None without turns."""
        if not self.latencies_ms:
            return None
        ordered = sorted(self.latencies_ms)
        return ordered[math.ceil(0.99 * len(ordered)) - 1]

    def add(self, other: ArmWindow) -> None:
        """Everything `other` counted."""
        self.requests += other.requests
        self.errors += other.errors
        self.slow += other.slow
        self.throttled += other.throttled
        self.latencies_ms += other.latencies_ms


class TurnTally:
    """Counts turns by arm and status, draws by stage, and turns that changed arm. Thread-safe.

    Times are virtual epoch seconds, as stamped in the events.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._statuses: dict[str, Counter[str]] = defaultdict(Counter)
        self._totals: dict[str, ArmWindow] = defaultdict(ArmWindow)
        self._draws: dict[int, Counter[str]] = defaultdict(Counter)
        self._asked: dict[int, list[float]] = defaultdict(list)
        self._units: set[tuple[Any, Any]] = set()
        self._conversations: dict[str, dict[int, tuple[str, bool]]] = defaultdict(dict)
        self._bins: dict[int, dict[str, ArmWindow]] = {}
        self._outcomes: Counter[str] = Counter()

    def add(self, event: Mapping[str, Any]) -> None:
        """Count one event line. Raises `KeyError` for a turn without its fields."""
        with self._lock:
            if event["event"] == "turn":
                self._turn(event)
            elif event["event"] == "outcome":
                self._outcomes[event.get("arm") or NO_ARM] += 1

    def requests(self) -> dict[str, dict[str, int]]:
        """Turns by arm drawn, then by status."""
        with self._lock:
            return {arm: dict(statuses) for arm, statuses in self._statuses.items()}

    def outcomes(self) -> dict[str, int]:
        """Outcomes by arm drawn."""
        with self._lock:
            return dict(self._outcomes)

    def total(self, arm: str) -> ArmWindow:
        """One arm since the beginning; without latencies."""
        with self._lock:
            total = ArmWindow()
            total.add(self._totals[arm])
            return total

    def window(self, arm: str, seconds: float, now: float) -> ArmWindow:
        """One arm over the last `seconds`, to ten seconds."""
        result = ArmWindow()
        with self._lock:
            for start, arms in self._bins.items():
                if start + BIN_SECONDS > now - seconds and arm in arms:
                    result.add(arms[arm])
        return result

    def draws(self) -> dict[int, dict[str, int]]:
        """First draws of units by stage, then by arm: a unit counts once a test."""
        with self._lock:
            return {stage: dict(arms) for stage, arms in sorted(self._draws.items())}

    def asked(self) -> dict[int, float]:
        """Mean probability of the canary over each stage's draws: the share that was asked."""
        with self._lock:
            return {
                stage: math.fsum(asked) / len(asked) for stage, asked in sorted(self._asked.items())
            }

    def sticky_violations(self) -> list[tuple[str, int]]:
        """(conversation, turn) of each turn on another arm than its conversation's last one.

        Turns with a `reassigned_reason` may move; turns outside a release have no arm.
        """
        found: list[tuple[str, int]] = []
        with self._lock:
            for conversation, turns in self._conversations.items():
                last = ""
                for turn, (arm, reassigned) in sorted(turns.items()):
                    if last and arm != last and not reassigned:
                        found.append((conversation, turn))
                    last = arm
        return found

    def _turn(self, event: Mapping[str, Any]) -> None:
        arm = event["arm"] or NO_ARM
        self._statuses[arm][_status(event)] += 1
        one = ArmWindow(1, bool(event["error"]), bool(event["slow"]), bool(event["throttled"]))
        self._totals[arm].add(one)
        if event["latency_ms"] is not None:
            one.latencies_ms.append(float(event["latency_ms"]))
        self._bin(event["epoch"]).setdefault(arm, ArmWindow()).add(one)
        if event["arm"] is None:
            return
        reassigned = event["reassigned_reason"] is not None
        self._conversations[event["conversation_id"]][event["turn"]] = (arm, reassigned)
        unit = (event["test_id"], event["unit_id"])
        if event["first_of_unit"] and unit not in self._units:
            self._units.add(unit)
            self._draws[event["stage"]][arm] += 1
            self._asked[event["stage"]].append(float(event["p_canary"]))

    def _bin(self, epoch: float) -> dict[str, ArmWindow]:
        start = math.floor(epoch / BIN_SECONDS) * BIN_SECONDS
        if start not in self._bins and len(self._bins) >= BINS:
            del self._bins[min(self._bins)]
        return self._bins.setdefault(start, {})


def _status(event: Mapping[str, Any]) -> str:
    """How the arm's own attempt ended: what control answered instead does not make it good."""
    if event["throttled"]:
        return "throttled"
    return "error" if event["error"] and event["status"] == "ok" else str(event["status"])
