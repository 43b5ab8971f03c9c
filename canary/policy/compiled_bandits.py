"""What the bandits of a region read of its policy: plain frozen values, as `compiled` has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Bandit", "BanditArm", "Bandits"]


@dataclass(frozen=True)
class BanditArm:
    """One wording; `prompt` is what the model is told besides the system prompt, or nothing."""

    name: str
    prompt: str


@dataclass(frozen=True)
class Bandit:
    """One intent that learns, by the kind that its experiment tier names."""

    intent: str
    kind: Literal["thompson", "linucb"]
    arms: tuple[BanditArm, ...]

    @property
    def prompts(self) -> dict[str, str]:
        """By arm, what the model is told."""
        return {arm.name: arm.prompt for arm in self.arms}


@dataclass(frozen=True)
class Bandits:
    """The bandits and the numbers they are run by; without intents there are none.

    Rates, shares and differences are fractions of one, durations seconds. The defaults are what
    releases admitted before there were bandits read.
    """

    exploration: float = 0.10
    reward_window_seconds: int = 6 * 3600
    quality_floor: float = 0.80
    quality_sampling: float = 0.05
    quality_scores: int = 200
    shift_errors: float = 3.5
    shift_size: float = 0.02
    shift_decisions: int = 500
    review_after_seconds: int = 14 * 86_400
    converged_below: float = 0.005
    breadth: float = 1.0
    intents: tuple[Bandit, ...] = ()
