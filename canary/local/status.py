"""What a run shows while it goes: one value for the terminal view and the page."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

__all__ = ["AlarmLine", "ArmLine", "DecisionLine", "Point", "RunStatus", "TimelineLine"]


@dataclass
class ArmLine:
    """One arm so far: attempts, errors, and the two rates of the last minute (fractions)."""

    requests: int = 0
    errors: int = 0
    error_rate: float | None = None
    slow_rate: float | None = None


@dataclass
class AlarmLine:
    """One alarm as the region has it; `since_minute` in virtual minutes of the run."""

    name: str
    state: str
    since_minute: float
    reason: str


@dataclass
class DecisionLine:
    """One decision of the release with its reason."""

    minute: float
    kind: str
    reason: str


@dataclass
class TimelineLine:
    """One thing that happened."""

    minute: float
    text: str


@dataclass
class Point:
    """One second of the charts: rates and shares are fractions, None where there was no traffic."""

    minute: float
    control_error: float | None
    canary_error: float | None
    control_slow: float | None
    canary_slow: float | None
    asked: float
    observed: float | None


@dataclass
class RunStatus:
    """The whole of what a person sees of a run."""

    scenario: str
    description: str
    clock_factor: float
    expected: str
    stages: list[float] = field(default_factory=list)
    """The ramp's rates in percent."""
    virtual_minutes: float = 0.0
    phase: str = "STARTING"
    stage_percent: float = 0.0
    asked_share: float = 0.0
    observed_share: float | None = None
    arms: dict[str, ArmLine] = field(
        default_factory=lambda: {"control": ArmLine(), "canary": ArmLine()}
    )
    series: list[Point] = field(default_factory=list)
    alarms: list[AlarmLine] = field(default_factory=list)
    decisions: list[DecisionLine] = field(default_factory=list)
    timeline: list[TimelineLine] = field(default_factory=list)
    policy_changes: list[str] = field(default_factory=list)
    customers: dict[str, int] = field(
        default_factory=lambda: {"conversations": 0, "turns": 0, "errors": 0}
    )
    outcome: str | None = None
    finished: bool = False

    def happened(self, text: str) -> None:
        """Add a line to the timeline at the present minute."""
        self.timeline.append(TimelineLine(round(self.virtual_minutes, 1), text))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `run.json` carries them."""
        return dataclasses.asdict(self)
