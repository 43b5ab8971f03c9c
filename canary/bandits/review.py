"""The weekly review: what is known of each arm, and whether there is anything left to learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from canary.bandits import linear, posterior
from canary.bandits.context import Context
from canary.bandits.guardrails import quality_ceiling
from canary.bandits.rules import Rules
from canary.bandits.state import Arm, BanditState
from canary.bandits.tally import pooled
from canary.statistics.validation import Values

__all__ = ["ArmReview", "Convergence", "Review", "review"]

_REWARD_DEVIATION = 0.5
"""The most that a reward of 0 or 1 can have."""


class Convergence(StrEnum):
    """Whether choosing what looks best now would give up less than the rules ask."""

    CONVERGED = "converged"
    LEARNING = "learning"
    """Not yet, and its time is not over."""
    NOISY = "noisy"
    """Its time is over: the reward may tell the arms apart too slowly, or they are alike."""


@dataclass(frozen=True)
class ArmReview:
    """One arm that is served; rates and losses are fractions of one.

    `chance_best` is None for a contextual arm: which is best is a question of the context.
    """

    name: str
    decisions: int
    """Since its last reset."""
    successes: int
    mean: float
    low: float
    high: float
    """The 95% credible interval of its reward rate over all contexts."""
    chance_best: float | None
    expected_loss: float
    """What choosing this arm for everyone gives up on average."""
    quality: float
    quality_ceiling: float
    """NaN and infinite without scores enough."""


@dataclass(frozen=True)
class Review:
    """What a data scientist reads, and what is recorded of it; `at` is epoch seconds.

    `best` has the least expected loss. `expected_loss` is what choosing the best gives up: the
    best arm, or of a contextual bandit the arm that looks best in each context.
    """

    intent: str
    revision: int
    at: float
    days_learning: float
    arms: tuple[ArmReview, ...]
    best: str
    expected_loss: float
    convergence: Convergence
    removed: tuple[str, ...]


def review(
    state: BanditState, rules: Rules, *, now: float, contexts: Sequence[Context] = ()
) -> Review:
    """Review a bandit; a contextual one over `contexts`, a sample of those that were asked in.

    Raises `ValueError` for a contextual bandit without contexts.
    """
    served = state.served
    good, bad = [arm.successes for arm in served], [arm.failures for arm in served]
    chances = None if state.kind == "linucb" else posterior.best_chances(good, bad)
    if chances is None:
        by_context = _losses(served, rules, contexts)
    else:
        by_context = posterior.expected_losses(good, bad)[None]
    losses, policy_loss = by_context.mean(axis=0), float(by_context.min(axis=1).mean())
    ends = posterior.intervals(good, bad)
    week = state.week_of(state.settled_until)
    arms = []
    for index, arm in enumerate(served):
        scores = pooled(arm.week(number).quality for number in (week - 1, week))
        arms.append(
            ArmReview(
                name=arm.name,
                decisions=arm.successes + arm.failures,
                successes=arm.successes,
                mean=(arm.successes + 1) / (arm.successes + arm.failures + 2),
                low=float(ends[index, 0]),
                high=float(ends[index, 1]),
                chance_best=None if chances is None else float(chances[index]),
                expected_loss=float(losses[index]),
                quality=scores.mean,
                quality_ceiling=quality_ceiling(scores, rules),
            )
        )
    return Review(
        intent=state.intent,
        revision=state.revision,
        at=now,
        days_learning=(now - state.learning_since) / 86_400,
        arms=tuple(arms),
        best=served[int(np.argmin(losses))].name,
        expected_loss=policy_loss,
        convergence=_convergence(policy_loss, now - state.learning_since, rules),
        removed=tuple(arm.name for arm in state.arms if not arm.served),
    )


def _losses(served: Sequence[Arm], rules: Rules, contexts: Sequence[Context]) -> Values:
    """By context (row) and arm (column)."""
    if not contexts:
        raise ValueError("contexts: a contextual bandit is reviewed over some")
    return linear.expected_losses(
        tuple(arm.linear for arm in served if arm.linear is not None),
        np.array([context.vector() for context in contexts]),
        ridge=rules.ridge,
        noise=_REWARD_DEVIATION,
    )


def _convergence(loss: float, learning_s: float, rules: Rules) -> Convergence:
    if loss < rules.converged_below:
        return Convergence.CONVERGED
    return Convergence.NOISY if learning_s >= rules.review_after_s else Convergence.LEARNING
