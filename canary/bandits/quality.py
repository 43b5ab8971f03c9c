"""The port to whoever scores an answer's quality: BERTScore, or a stand-in of the same shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["Scorer", "ScoringError"]


class ScoringError(RuntimeError):
    """Answers could not be scored; learning from rewards goes on without."""


class Scorer(Protocol):
    """Says how near answers are to good ones, 0 to 1, on the scale of the policy's floor."""

    def scores(self, answers: Sequence[str], references: Sequence[str]) -> list[float]:
        """One score an answer: the best over the references. Raises `ScoringError`."""
