"""How many events a state machine's execution may write at most, read off its definition.

Step Functions keeps at most 25,000 events an execution and fails it at the next. Every state costs
its entry and its exit, a task three more for each attempt (scheduled, started, ended).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LIMIT = 25_000
_ENTRY_AND_EXIT = 2
_AN_ATTEMPT = 3
_START_AND_END = 2


@dataclass(frozen=True)
class Loop:
    """A way from a wait back to itself, and what it costs at most."""

    states: tuple[str, ...]
    events: int


@dataclass(frozen=True)
class History:
    """A definition; with `retried` false every call answers at once."""

    machine: dict[str, Any]
    retried: bool = True
    once: frozenset[tuple[str, str]] = frozenset()
    """Ways out of a loop: who comes back by a hold goes there again only after a person's act."""

    def cost(self, name: str, error: str = "") -> int:
        """A state's events at most; left by `error`, retriers of other errors were not used up."""
        state = self.machine["States"][name]
        events = 1 if state["Type"] == "Fail" else _ENTRY_AND_EXIT
        if state["Type"] == "Task":
            events += _AN_ATTEMPT * (1 + self._retries(state, error))
        if state.get("Resource", "").endswith(".waitForTaskToken"):
            events += 1  # it is submitted, too
        return events

    def everything_once(self) -> int:
        """Every state of the machine once, with all its retries: more than any way through it."""
        return _START_AND_END + sum(self.cost(name) for name in self.machine["States"])

    def loops(self, wait: str) -> list[Loop]:
        """Every way from a wait to the same wait that comes through no other one."""
        found = []
        for states, events in self._ways(wait, (wait,), self.cost(wait)):
            if states[-1] == wait:
                found.append(Loop(states[:-1], events))
        return found

    def waits(self) -> list[str]:
        """The names of the machine's waits."""
        return [name for name, each in self.machine["States"].items() if each["Type"] == "Wait"]

    def _ways(
        self, name: str, seen: tuple[str, ...], events: int
    ) -> Iterator[tuple[tuple[str, ...], int]]:
        for following, error in _edges(self.machine["States"][name]):
            if (name, following) in self.once:
                continue
            spent = events - self.cost(name) + self.cost(name, error) if error else events
            if following == seen[0]:
                yield (*seen, following), spent
            elif following not in seen and self.machine["States"][following]["Type"] != "Wait":
                yield from self._ways(following, (*seen, following), spent + self.cost(following))

    def _retries(self, state: dict[str, Any], error: str) -> int:
        if not self.retried:
            return 0
        used = 0
        for retrier in state.get("Retry", ()):
            if error in retrier["ErrorEquals"]:
                return used + retrier["MaxAttempts"]
            if error and retrier["ErrorEquals"] != ["States.ALL"]:
                continue
            used += int(retrier["MaxAttempts"])
        return used


def in_time(loop: Loop, spacing: float, seconds: float) -> int:
    """The events of a loop gone round and round for so long."""
    return loop.events * math.ceil(seconds / spacing)


def _edges(state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Where a state leads, and by which error; the error is empty without one, and for any."""
    for choice in state.get("Choices", ()):
        yield choice["Next"], ""
    for key in ("Next", "Default"):
        if key in state:
            yield state[key], ""
    for catcher in state.get("Catch", ()):
        for error in catcher["ErrorEquals"]:
            yield catcher["Next"], "" if error == "States.ALL" else error
