"""What a way of watching a release is: it reads telemetry and says when it would stop."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol, Self

from canary.simulation.telemetry import Telemetry

__all__ = ["METRICS", "Stop", "Strategy"]

METRICS = ("error", "slow", "throttled", "hallucination", "csat", "completion")
"""A10's six triggers, by the names they have in the policy."""


@dataclass(frozen=True)
class Stop:
    """When a release was stopped, in minutes since its first exposure, and over which metric."""

    minute: float
    metric: str


class Strategy(Protocol):
    """A rule with its thresholds: pure, so that the same telemetry always stops it alike."""

    @property
    def name(self) -> str:
        """Its key in tables and JSON."""
        ...

    @property
    def page(self) -> str:
        """The public page whose semantics it follows; empty for the source's own rules."""
        ...

    @property
    def describe(self) -> str:
        """One sentence: what it reads, how often, and what stops a release."""
        ...

    @property
    def reads(self) -> AbstractSet[str]:
        """The metrics it claims to watch; what it misses of the others is not held against it."""
        ...

    def stops_at(self, telemetry: Telemetry) -> Stop | None:
        """When it first stops this release; None when it lets it run to the end."""
        ...

    def scaled(self, factor: float, metric: str | None = None) -> Self:
        """The same rule, thresholds multiplied, or that of one metric: above 1 it stops later."""
        ...

    def only(self, metric: str) -> Self:
        """The same rule watching one of its metrics."""
        ...
