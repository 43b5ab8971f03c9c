"""What the tasks that answer customers need of the bandits, published between batches.

A task knows both the allocation in force and the one that follows it, so that it changes at its
own moment wherever it is served, also when nobody publishes in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from canary.bandits.allocation import Allocation
from canary.bandits.rules import Rules
from canary.bandits.state import BanditState
from canary.policy.compiled_bandits import Bandits

__all__ = ["Serving", "Servings", "rules_of", "serving"]


@dataclass(frozen=True)
class Serving:
    """One intent's: how its arms are drawn, and what the model is told under each."""

    intent: str
    current: Allocation
    prompts: Mapping[str, str]
    upcoming: Allocation | None = None

    def allocation_at(self, now: float) -> Allocation:
        """What is served at `now`, epoch seconds."""
        later = self.upcoming
        return later if later is not None and now >= later.since else self.current


@dataclass(frozen=True)
class Servings:
    """All intents', by name; `sampling` is the share of first answers that are scored."""

    rules: Rules = field(default=Rules())
    sampling: float = 0.0
    intents: Mapping[str, Serving] = field(default_factory=dict)


def rules_of(policy: Bandits) -> Rules:
    """The policy's numbers. Raises `ValueError` for what a policy would not have passed."""
    return Rules(
        floor=policy.exploration,
        reward_window_s=policy.reward_window_seconds,
        least_quality=policy.quality_floor,
        quality_scores=policy.quality_scores,
        shift_errors=policy.shift_errors,
        shift_size=policy.shift_size,
        shift_decisions=policy.shift_decisions,
        review_after_s=policy.review_after_seconds,
        converged_below=policy.converged_below,
        breadth=policy.breadth,
    )


def serving(state: BanditState, prompts: Mapping[str, str]) -> Serving:
    """What is served of a state, with the prompts that its arms stand for."""
    return Serving(state.intent, state.current, prompts, state.upcoming)
