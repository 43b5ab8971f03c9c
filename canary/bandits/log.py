"""What is logged of a bandit: its decisions, and the rewards and scores that name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from canary.bandits.context import Context
from canary.bandits.shares import Shares, check_shares
from canary.statistics.validation import require_finite

__all__ = ["Decision", "QualityScore", "Reward"]


@dataclass(frozen=True)
class Decision:
    """One draw; times are epoch seconds. Raises `ValueError` when it could not have happened."""

    decision_id: str
    intent: str
    unit_id: str
    """The customer, as in a release: what one does again is not independent of what came before."""
    decided_at: float
    arm: str
    shares: Shares
    """Every arm's probability when the arm was drawn."""
    allocation: int
    """The number of the allocation that the shares came from."""
    context: Context | None = None
    release_arm: Literal["control", "canary"] | None = None
    """The model that answered, while a release is active."""

    def __post_init__(self) -> None:
        require_finite(decided_at=self.decided_at)
        check_shares(self.shares)
        if self.arm not in self.shares:
            raise ValueError(f"arm: {self.arm!r} is none of {sorted(self.shares)}")


@dataclass(frozen=True)
class Reward:
    """Whether a decision served its customer, known at `at`."""

    decision_id: str
    success: bool
    at: float


@dataclass(frozen=True)
class QualityScore:
    """The response quality of a sampled decision, 0 to 1 (BERTScore)."""

    decision_id: str
    quality: float
    at: float

    def __post_init__(self) -> None:
        require_finite(quality=self.quality)
