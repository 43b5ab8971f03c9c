"""What a report needs of the events besides the looks: spreads, exclusions, conversations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from canary.decision.facts import Cell

__all__ = ["Conduct", "Evidence", "Sample", "Spread", "Turn"]


@dataclass(frozen=True)
class Spread:
    """One quantity of one arm's conversations: how many, and order statistics by thousandth.

    `quantiles[500]` is the median; the value at q is the smallest that at least q of the
    conversations do not exceed.
    """

    n: int
    quantiles: Mapping[int, float]


@dataclass(frozen=True)
class Conduct:
    """What happened to the conversations drawn into one arm, whatever served them."""

    customers: int
    conversations: int
    turns: int
    error: int
    fallback: int
    refused: int
    reassigned: int
    excluded_by_source: int
    """Conversations that the source document would leave out: moved to the other arm."""


@dataclass(frozen=True)
class Turn:
    """One answered turn; `text` is the model's answer where one was kept, not yet redacted."""

    number: int
    intent: str
    status: str
    latency_ms: float | None
    tokens: int
    text: str | None = None


@dataclass(frozen=True)
class Sample:
    """One conversation, without its customer."""

    conversation_id: str
    arm: str
    stratum: str
    stage: int
    turns: tuple[Turn, ...]
    completed: bool | None
    csat: int | None


@dataclass(frozen=True)
class Evidence:
    """Read from the events at `as_of` (epoch seconds), since the first exposure."""

    as_of: float
    latency_ms: Mapping[str, Spread] = field(default_factory=dict)
    """By arm: each conversation's slowest turn."""
    tokens: Mapping[str, Spread] = field(default_factory=dict)
    """By arm: a conversation's tokens, in and out."""
    conduct: Mapping[str, Conduct] = field(default_factory=dict)
    undrawn: int | None = None
    """Conversations of the same time that were never drawn: they are in no arm."""
    cells: tuple[Cell, ...] = ()
    """The primary metric's cells over all drawn conversations."""
    kept_by_source: tuple[Cell, ...] = ()
    """The same over the conversations that the source document would keep."""
    samples: tuple[Sample, ...] = ()
