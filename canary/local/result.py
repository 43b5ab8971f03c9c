"""What a run came to: the object that `canary local --json` prints on its last line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["RunResult", "StageShare", "StoredEvents"]


@dataclass(frozen=True)
class StageShare:
    """First draws at one stage; shares are fractions, `observed` is None without a draw."""

    stage: int
    percent: float
    asked: float
    observed: float | None
    draws: int


@dataclass(frozen=True)
class StoredEvents:
    """What S3 holds at the end: distinct turns answered with 200, outcomes, and repeated ids."""

    answered_turns: int
    outcomes: int
    repeated_ids: int


@dataclass(frozen=True)
class RunResult:
    """The outcome of one run with the figures a person or a machine judges it by.

    Seconds are virtual. `expected` says whether the outcome, and who brought it about where the
    scenario cares, are the scenario's own.
    """

    scenario: str
    outcome: str
    expected: bool
    expected_outcome: str
    ended_by: str | None
    """Who asked first for a rollback: `alarm`, `analyse`, `progression`, ...; None without."""
    expected_by: str | None
    reason: str
    routing: str
    timeline: tuple[StageShare, ...]
    seconds_fault_to_alarm: float | None
    seconds_alarm_to_last_canary_request: float | None
    requests: Mapping[str, Mapping[str, int]]
    """By arm drawn (`none` outside the experiment), then by status."""
    customer_errors: int
    reassigned: Mapping[str, int]
    """Conversations moved to the other arm, by the reason that the customer's answer gave."""
    sticky_violations: int
    lost_events: int
    duplicate_events: int
    virtual_minutes: float
    real_seconds: float
    alarms: tuple[str, ...] = ()
    """Those that went to ALARM, in order."""
    decisions: tuple[Mapping[str, Any], ...] = ()
    policy_changes: tuple[str, ...] = ()
    report: str | None = None
    """Where the release's report was written; its numbers lie beside it as JSON."""
    log_errors: tuple[str, ...] = field(default=())
    """Errors of functions and actions on the way; empty in a clean run."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)

    def sentence(self) -> str:
        """The outcome with its reason in one line."""
        wanted = " by ".join(filter(None, (self.expected_outcome, self.expected_by)))
        came = f"by {self.ended_by}, " if self.ended_by else ""
        verdict = "as expected" if self.expected else f"{came}expected {wanted}"
        return f"{self.outcome} ({verdict}): {self.reason}"
