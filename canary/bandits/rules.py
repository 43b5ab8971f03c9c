"""The numbers a bandit is run by."""

from __future__ import annotations

from dataclasses import dataclass

from canary.bandits.shares import whole_parts
from canary.statistics.validation import above_zero, fraction, not_negative

__all__ = ["DAY_S", "MAX_ARMS", "WEEK_S", "Rules"]

MAX_ARMS = 4
DAY_S = 86_400
WEEK_S = 7 * DAY_S


@dataclass(frozen=True)
class Rules:
    """Exploration, the reward's window, and the guardrails.

    Raises `ValueError` for numbers that cannot be. Rates and their differences are fractions.
    """

    floor: float = 0.10
    """The least probability of every arm that is served at all, in whole ten-thousandths."""
    reward_window_s: float = 6 * 3600
    """How long after its decision a reward counts; without one by then, the decision failed."""
    least_quality: float = 0.80
    """An arm whose mean response quality is surely below this is removed."""
    quality_confidence: float = 0.99
    """One-sided."""
    quality_scores: int = 200
    """Below so many scores, quality is not judged."""
    shift_errors: float = 3.5
    """A week-over-week shift is one beyond so many standard errors ..."""
    shift_size: float = 0.02
    """... and beyond this difference of rates."""
    shift_decisions: int = 500
    """Decisions of every arm in both weeks, below which a shift is not judged."""
    review_after_s: float = 14 * DAY_S
    """How long an arm set has to converge."""
    converged_below: float = 0.005
    """The expected loss of the best arm at which there is nothing left to learn."""
    breadth: float = 1.0
    """LinUCB's alpha: how many standard deviations of optimism."""
    ridge: float = 1.0
    """LinUCB's prior precision."""

    def __post_init__(self) -> None:
        fraction("floor", self.floor)
        whole_parts("floor", self.floor)
        if self.floor * MAX_ARMS > 1:
            raise ValueError(f"floor: {MAX_ARMS} arms cannot all have {self.floor}")
        fraction("least_quality", self.least_quality)
        fraction("quality_confidence", self.quality_confidence)
        for name in ("reward_window_s", "review_after_s", "converged_below", "ridge"):
            above_zero(name, getattr(self, name))
        for name in ("quality_scores", "shift_errors", "shift_size", "shift_decisions", "breadth"):
            not_negative(name, getattr(self, name))
