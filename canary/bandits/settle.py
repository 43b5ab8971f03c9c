"""Learning from the decisions whose rewards can no longer come, each exactly once.

A state need not remember which rewards it has seen. A batch holds all decisions of a stretch of
time, with all that named them; the state remembers the time up to which it has settled. So a batch
that is handed over again, or overlaps one before it, teaches nothing twice, and a reward whose
decision is not in the batch (unknown, or settled before) teaches nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from canary.bandits.log import Decision, QualityScore, Reward
from canary.bandits.rules import Rules
from canary.bandits.shares import PARTS
from canary.bandits.state import Arm, BanditState
from canary.bandits.tally import Weighted

__all__ = ["Batch", "Outcome", "outcomes_of", "settle"]

_WEEKS_KEPT = 3
"""Two to compare, and the one under way."""


@dataclass(frozen=True)
class Batch:
    """All decisions with since <= decided_at < until, in any order, repeated or not."""

    since: float
    until: float
    decisions: Sequence[Decision]
    rewards: Sequence[Reward] = ()
    scores: Sequence[QualityScore] = ()


class Outcome(NamedTuple):
    """A decision and what came of it within the window; None without a quality score."""

    decision: Decision
    success: bool
    quality: float | None


def settle(state: BanditState, batch: Batch, rules: Rules, *, now: float) -> BanditState:
    """The state after the batch; the same state when the batch was settled before.

    Only the control model's answers teach while a release is active: allocation stays the same in
    both of its arms. Raises `ValueError` for a batch that leaves a gap, and for one with decisions
    that may still be rewarded: rewards that come early are not a fair sample of all.
    """
    if batch.until <= state.settled_until:
        return state
    if batch.since > state.settled_until:
        raise ValueError(
            f"since: {batch.since} leaves a gap after {state.settled_until}, the last settled"
        )
    if batch.until + rules.reward_window_s > now:
        raise ValueError(f"until: rewards of decisions up to {batch.until} may still come at {now}")
    learned = [
        outcome
        for outcome in outcomes_of(batch, rules)
        if outcome.decision.intent == state.intent
        and outcome.decision.decided_at >= state.settled_until
        and outcome.decision.release_arm != "canary"
    ]
    newest = state.week_of(batch.until)
    return replace(
        state,
        revision=state.revision + 1,
        settled_until=batch.until,
        arms=tuple(_taught(state, arm, learned, newest) for arm in state.arms),
    )


def outcomes_of(batch: Batch, rules: Rules) -> list[Outcome]:
    """One outcome a decision, in the order of decisions.

    The first reward within the window counts; of two at the same moment, the failure. Without one
    the decision failed. Of several scores the first counts. The order in which decisions, rewards
    and scores are handed over, and how often, makes no difference.
    """
    decisions: dict[str, Decision] = {}
    for each in sorted(batch.decisions, key=_when):
        if batch.since <= each.decided_at < batch.until:
            decisions.setdefault(each.decision_id, each)
    rewards: dict[str, Reward] = {}
    for reward in sorted(batch.rewards, key=lambda each: (each.at, each.success)):
        decision = decisions.get(reward.decision_id)
        if decision and reward.at <= decision.decided_at + rules.reward_window_s:
            rewards.setdefault(reward.decision_id, reward)
    scores: dict[str, float] = {}
    for score in sorted(batch.scores, key=lambda each: (each.at, each.quality)):
        scores.setdefault(score.decision_id, score.quality)
    return [
        Outcome(each, key in rewards and rewards[key].success, scores.get(key))
        for key, each in decisions.items()
    ]


def _when(decision: Decision) -> tuple[float, str, str]:
    return decision.decided_at, decision.decision_id, decision.arm


def _taught(state: BanditState, arm: Arm, learned: Iterable[Outcome], newest: int) -> Arm:
    own = [outcome for outcome in learned if outcome.decision.arm == arm.name]
    successes = sum(outcome.success for outcome in own)
    weeks = dict(arm.weeks)
    for number in sorted({state.week_of(outcome.decision.decided_at) for outcome in own}):
        within = [each for each in own if state.week_of(each.decision.decided_at) == number]
        weeks[number] = arm.week(number).plus(
            map(_weighted, within), [each.quality for each in within if each.quality is not None]
        )
    seen = [
        (context.vector(), float(each.success))
        for each in own
        if (context := each.decision.context) is not None
    ]
    linear = arm.linear
    if linear is not None and seen:
        vectors, rewards = zip(*seen, strict=True)
        linear = linear.plus(np.array(vectors), rewards)
    return replace(
        arm,
        successes=arm.successes + successes,
        failures=arm.failures + len(own) - successes,
        linear=linear,
        weeks={number: week for number, week in weeks.items() if number > newest - _WEEKS_KEPT},
    )


def _weighted(outcome: Outcome) -> Weighted:
    decision = outcome.decision
    return Weighted(decision.unit_id, outcome.success, PARTS / decision.shares[decision.arm])
