"""Fires the schedules of EventBridge rules on the virtual clock."""

from __future__ import annotations

import re

from moto.events.models import Rule

from canary.local.clock import Clock
from canary.local.events import EventBus
from canary.local.lambda_model import plain_name
from canary.local.lambdas import Functions
from canary.local.lasting import LastingThread

__all__ = ["Scheduler", "rate_seconds"]

_UNITS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_TICK_REAL_SECONDS = 0.05


def rate_seconds(expression: str) -> float:
    """The interval of `rate(n unit)`. Raises `ValueError` for any other schedule."""
    match = _RATE.fullmatch(expression.strip())
    if match is None:
        raise ValueError(f"only rate(...) schedules are emulated, not {expression!r}")
    return int(match[1]) * _UNITS[match[2]]


class Scheduler:
    """Sends a scheduled event to each enabled rule whose interval has passed.

    A rule whose functions are still busy with its last event is skipped: at a high factor a
    minute is shorter than a run, and AWS would not let runs pile up for long either.
    """

    def __init__(self, bus: EventBus, functions: Functions, clock: Clock) -> None:
        self._bus = bus
        self._functions = functions
        self._clock = clock
        self.failures: list[str] = []
        """Rules that never fire and why, one line each."""
        self._next: dict[str, float] = {}
        self._thread = LastingThread("schedules", self._run)

    def start(self) -> None:
        """Fire from now on; a rule's first event comes one interval after it is seen."""
        self._thread.start()

    def stop(self) -> None:
        """Fire nothing any more."""
        self._thread.end()

    def _run(self) -> None:
        refused: set[str] = set()
        while not self._thread.ending.wait(_TICK_REAL_SECONDS):
            for rule in self._bus.rules():
                if not rule.scheduled_expression or rule.state != "ENABLED":
                    continue
                try:
                    self._fire_when_due(rule, rate_seconds(rule.scheduled_expression))
                except ValueError as error:
                    if rule.arn not in refused:
                        refused.add(rule.arn)
                        self.failures.append(f"{rule.name}: {error}")

    def _fire_when_due(self, rule: Rule, interval: float) -> None:
        now = self._clock.now()
        due = self._next.setdefault(rule.arn, now + interval)
        if now < due or any(
            self._functions.events.busy(plain_name(target["Arn"])) for target in rule.targets
        ):
            return
        self._next[rule.arn] = max(due + interval, now)
        event = self._bus.event("aws.events", "Scheduled Event", {}, [rule.arn])
        self._bus.send(rule, event)
