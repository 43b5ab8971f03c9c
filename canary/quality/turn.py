"""One turn as the quality checks see it, and what they count."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Expected", "Tally", "Turn"]


class Expected(StrEnum):
    """The language that a region answers in."""

    ENGLISH = "english"
    """English, whatever the customer writes; names may stay as they are."""
    QUESTION = "question"
    """The language of the question: Japanese, English, or either where it mixes both."""


@dataclass(frozen=True)
class Turn:
    """What a customer asked and what the model answered, in which language it should have."""

    question: str
    answer: str
    expected: Expected


@dataclass(frozen=True)
class Tally:
    """Things looked at, and how many of them were as they should be; 0 <= correct <= checked."""

    correct: int
    checked: int
