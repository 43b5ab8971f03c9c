"""Rewards teach exactly once, within their window, and by the control model alone."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.bandits.log import QualityScore, Reward
from canary.bandits.settle import Batch, outcomes_of, settle
from canary.bandits.state import BanditState
from tests.canary.bandits.logs import HOUR, RULES, START, decision, thompson

LATER = START + 1_000 * HOUR


def learned(state: BanditState) -> dict[str, tuple[int, int]]:
    return {arm.name: (arm.successes, arm.failures) for arm in state.arms}


def first_hour(*rewards: Reward, **changed: object) -> Batch:
    """Ten decisions, alternately a and b."""
    decisions = [decision(number, "ab"[number % 2]) for number in range(10)]
    return replace(Batch(START, START + HOUR, decisions, rewards), **changed)


def reward(number: int, *, success: bool = True, after: float = 60) -> Reward:
    return Reward(f"d{number}", success, START + number + after)


def test_a_decision_with_a_reward_succeeded_and_one_without_failed() -> None:
    """Unresolved at the close of the window is a failure, as in a release's test."""
    state = settle(thompson(), first_hour(reward(0), reward(1), reward(2)), RULES, now=LATER)
    assert learned(state) == {"a": (2, 3), "b": (1, 4)}
    assert (state.revision, state.settled_until) == (1, START + HOUR)


def test_a_batch_that_comes_again_changes_nothing() -> None:
    """Nor its revision, so that nothing need be written."""
    once = settle(thompson(), first_hour(reward(0)), RULES, now=LATER)
    assert settle(once, first_hour(reward(0)), RULES, now=LATER) is once


@given(
    st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.floats(0, 7 * HOUR)), max_size=30),
    st.randoms(use_true_random=False),
)
def test_order_and_repetition_make_no_difference(
    named: list[tuple[int, bool, float]], shuffled: random.Random
) -> None:
    """Queues deliver late, twice and in any order."""
    rewards = [reward(n, success=success, after=after) for n, success, after in named]
    batch = first_hour(*rewards)
    again = list(batch.decisions) * 2, rewards * 3
    for each in again:
        shuffled.shuffle(each)
    other = Batch(batch.since, batch.until, *again)
    assert settle(thompson(), batch, RULES, now=LATER) == settle(
        thompson(), other, RULES, now=LATER
    )


@given(st.lists(st.integers(1, 9), max_size=4, unique=True), st.sets(st.integers(0, 9)))
def test_one_batch_or_several_that_overlap_learn_the_same(
    cuts: list[int], rewarded: set[int]
) -> None:
    """Each decision is settled once, however time is cut."""
    rewards = [reward(number) for number in rewarded]
    whole = first_hour(*rewards, until=START + 10)
    state, since = thompson(), START
    for cut in [*sorted(cuts), 10]:
        piece = replace(whole, since=max(START, since - 3), until=START + cut)
        state, since = settle(state, piece, RULES, now=LATER), START + cut
    assert learned(state) == learned(settle(thompson(), whole, RULES, now=LATER))


def test_an_unknown_and_a_settled_decisions_reward_teach_nothing() -> None:
    """Both name a decision that the batch does not hold."""
    once = settle(thompson(), first_hour(), RULES, now=LATER)
    second = Batch(START + HOUR, START + 2 * HOUR, [], [reward(0), reward(99)])
    assert learned(settle(once, second, RULES, now=LATER)) == learned(once)


def test_a_reward_after_the_window_is_none() -> None:
    """One at its last moment counts."""
    last = reward(0, after=RULES.reward_window_s)
    late = reward(2, after=RULES.reward_window_s + 1)
    state = settle(thompson(), first_hour(last, late), RULES, now=LATER)
    assert learned(state)["a"] == (1, 4)


def test_the_first_of_two_rewards_counts() -> None:
    """Later ones are repetitions or changes of mind."""
    state = settle(
        thompson(), first_hour(reward(0, after=9), reward(0, success=False)), RULES, now=LATER
    )
    assert learned(state)["a"] == (1, 4)


def test_the_candidates_answers_teach_nothing() -> None:
    """Else the variants' mix would follow the candidate's and differ from control's."""
    batch = first_hour(reward(0), reward(1))
    arms = ["control", "canary"] * 5
    batch = replace(
        batch,
        decisions=[
            replace(each, release_arm=arm) for each, arm in zip(batch.decisions, arms, strict=True)
        ],
    )
    assert learned(settle(thompson(), batch, RULES, now=LATER)) == {"a": (1, 4), "b": (0, 0)}


def test_another_intents_decisions_teach_nothing() -> None:
    """Each intent has a bandit of its own."""
    batch = first_hour(decisions=[decision(0, intent="chitchat")])
    assert learned(settle(thompson(), batch, RULES, now=LATER))["a"] == (0, 0)


def test_a_gap_is_refused() -> None:
    """What lies in it would never be learned."""
    with pytest.raises(ValueError, match="gap"):
        settle(thompson(), first_hour(since=START + 1), RULES, now=LATER)


def test_decisions_whose_window_is_open_are_refused() -> None:
    """Those with a reward so far are not a fair sample."""
    closes = START + HOUR + RULES.reward_window_s
    with pytest.raises(ValueError, match="may still come"):
        settle(thompson(), first_hour(), RULES, now=closes - 1)
    assert settle(thompson(), first_hour(), RULES, now=closes).revision == 1


def test_learning_does_not_change_what_is_served() -> None:
    """Only a revision does."""
    state = settle(thompson(), first_hour(reward(0), reward(2)), RULES, now=LATER)
    assert state.current == thompson().current


def test_scores_reach_the_week_of_their_arm() -> None:
    """Of two scores of one decision the first counts."""
    scores = [
        QualityScore("d0", 0.9, START + 5),
        QualityScore("d0", 0.1, START + 6),
        QualityScore("d1", 0.7, START + 5),
        QualityScore("d77", 0.2, START + 5),
    ]
    state = settle(thompson(), first_hour(scores=scores), RULES, now=LATER)
    found = {arm.name: arm.week(0).quality for arm in state.arms}
    assert {name: (each.n, each.sum) for name, each in found.items()} == {
        "a": (1, 0.9),
        "b": (1, 0.7),
    }


def test_a_decision_weighs_one_over_its_probability_in_its_week() -> None:
    """Drawn at a quarter, it stands for four."""
    rare = decision(0, shares={"a": 2_500, "b": 7_500})
    state = settle(thompson(), first_hour(reward(0), decisions=[rare]), RULES, now=LATER)
    week = state.arms[0].week(0)
    assert (week.decisions, week.sums.n, week.sums.y) == (1, 4.0, 4.0)


def test_outcomes_are_the_log_that_inference_reads() -> None:
    """One a decision, with its own probabilities."""
    found = outcomes_of(first_hour(reward(3)), RULES)
    assert [each.decision.decision_id for each in found] == [f"d{n}" for n in range(10)]
    assert [each.success for each in found] == [n == 3 for n in range(10)]


def test_the_state_stays_small_over_a_year() -> None:
    """Three weeks of tallies, whatever came before."""
    state = thompson()
    for week in range(52):
        since = START + week * 7 * 24 * HOUR
        batch = Batch(
            since, since + 7 * 24 * HOUR, [decision(week, decided_at=since + 5)], [reward(week)]
        )
        state = settle(state, batch, RULES, now=LATER * 2)
    assert all(len(arm.weeks) <= 3 for arm in state.arms)
    assert sum(learned(state)["a"]) == 52
