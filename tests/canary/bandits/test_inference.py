"""An arm's value and the difference of two from a log that the bandit itself shaped."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.bandits.inference import Estimate, Evidence, arm_value, difference, evidence_of, lift
from canary.bandits.posterior import best_chances
from canary.bandits.settle import Outcome
from tests.canary.bandits.logs import decision

LEVEL, LEAD = 0.7, 0.1
LIVES, BATCHES, SIZE, ARMS = 1_500, 20, 50, 4


@pytest.fixture(scope="module")
def logs() -> list[Evidence]:
    """Lives of a four-armed bandit whose last arm is ten points better, 1,000 decisions each."""
    rng = np.random.default_rng(2024)
    rates = np.full(ARMS, LEVEL)
    rates[-1] += LEAD
    good, bad = np.zeros((LIVES, ARMS)), np.zeros((LIVES, ARMS))
    arms, rewards, served = [], [], []
    for _ in range(BATCHES):
        p = 0.1 + (1 - 0.1 * ARMS) * best_chances(good, bad)
        place = rng.random((LIVES, SIZE, 1))
        drawn = (place > np.cumsum(p, axis=-1)[:, None, :-1]).sum(axis=-1)
        won = rng.random((LIVES, SIZE)) < rates[drawn]
        for arm in range(ARMS):
            good[:, arm] += ((drawn == arm) & won).sum(axis=1)
            bad[:, arm] += ((drawn == arm) & ~won).sum(axis=1)
        arms.append(drawn)
        rewards.append(won)
        served.append(p)
    all_arms, all_rewards = np.concatenate(arms, axis=1), np.concatenate(rewards, axis=1)
    return [
        Evidence(
            all_arms[life],
            all_rewards[life].astype(float),
            np.repeat([p[life] for p in served], SIZE, axis=0),
            np.repeat(np.arange(BATCHES), SIZE),
            np.arange(BATCHES * SIZE),
        )
        for life in range(LIVES)
    ]


def covers(estimate: Estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def share(covered: np.ndarray) -> tuple[float, float]:
    """Coverage and its Monte Carlo error; rows are lives, whose arms are not independent."""
    by_life = covered.mean(axis=1)
    return float(by_life.mean()), float(by_life.std(ddof=1) / math.sqrt(len(by_life)))


def test_intervals_of_the_worse_arms_cover_as_often_as_they_say(logs: list[Evidence]) -> None:
    """.95 within two Monte Carlo errors, where plain inverse-probability ones fall short by three.

    Worse arms are what a bandit starves, so theirs are the intervals that go wrong.
    """
    covered = {
        weighting: np.array(
            [
                [covers(arm_value(log, arm, weighting=weighting), LEVEL) for arm in range(3)]
                for log in logs
            ]
        )
        for weighting in ("stabilised", "inverse")
    }
    found, error = share(covered["stabilised"])
    assert abs(found - 0.95) < 2 * error
    plain, plain_error = share(covered["inverse"])
    assert plain < 0.95 - 3 * plain_error


def test_intervals_of_the_best_arm_and_of_its_lead_cover_as_often_as_they_say(
    logs: list[Evidence],
) -> None:
    """In points and relative: .95 within two and a half Monte Carlo errors each."""
    best = [covers(arm_value(log, 3), LEVEL + LEAD) for log in logs]
    points = [covers(difference(log, 3, 0), LEAD) for log in logs]
    relative = [covers(lift(log, 3, 0), LEAD / LEVEL) for log in logs]
    for covered in (best, points, relative):
        found, error = share(np.array(covered)[:, None])
        assert abs(found - 0.95) < 2.5 * error


def test_the_lead_is_unbiased_where_plain_means_are_not(logs: list[Evidence]) -> None:
    """Within three errors of the mean over lives; arms that began badly keep their bad luck."""
    leads = np.array([difference(log, 3, 0).value for log in logs])
    assert abs(leads.mean() - LEAD) < 3 * leads.std() / math.sqrt(LIVES) + 0.002
    plain = np.array([log.rewards[log.arms == 0].mean() for log in logs])
    assert plain.mean() < LEVEL - 5 * plain.std() / math.sqrt(LIVES)


def test_three_percent_plus_minus_one_is_found_in_a_large_log() -> None:
    """What stakeholders ask for: 3% better in a log whose interval is about 1% either way."""
    rng = np.random.default_rng(3)
    size = 60_000
    p = np.repeat([[0.5, 0.5], [0.3, 0.7], [0.1, 0.9]], size // 3, axis=0)
    drawn = (rng.random(size) > p[:, 0]).astype(int)
    won = rng.random(size) < np.where(drawn, 0.78 * 1.03, 0.78)
    log = Evidence(drawn, won.astype(float), p, np.repeat(np.arange(3), size // 3), np.arange(size))
    found = lift(log, 1, 0)
    assert covers(found, 0.03)
    assert found.low > 0
    assert 0.008 < (found.high - found.low) / 2 < 0.016


def moving_level(lift_of_b: float, *, lives: int = 300) -> np.ndarray:
    """Differences in logs where the level falls 30 points while the allocation moves to b."""
    rng = np.random.default_rng(4)
    size = 2_000
    p = np.repeat([[0.8, 0.2], [0.2, 0.8]], size // 2, axis=0)
    level = np.repeat([0.8, 0.5], size // 2)
    values = []
    for _ in range(lives):
        drawn = (rng.random(size) > p[:, 0]).astype(int)
        won = rng.random(size) < level + lift_of_b * drawn
        log = Evidence(drawn, won.astype(float), p, np.repeat([0, 1], size // 2), np.arange(size))
        values.append(difference(log, 1, 0).value)
    return np.array(values)


def test_a_level_that_moves_for_both_arms_is_no_difference() -> None:
    """A week of new volumes falls together with a new allocation: still unbiased."""
    found = moving_level(0.05)
    assert abs(found.mean() - 0.05) < 4 * found.std() / math.sqrt(len(found))


def test_a_contextual_log_answers_for_all_contexts() -> None:
    """Drawn at .9 where it is good and at .1 where it is bad, an arm is worth the mean of both."""
    rng = np.random.default_rng(5)
    values = []
    for _ in range(300):
        easy = rng.random(2_000) < 0.5
        p1 = np.where(easy, 0.9, 0.1)
        drawn = (rng.random(2_000) < p1).astype(int)
        won = rng.random(2_000) < np.where(easy, 0.9, 0.5)
        log = Evidence(
            drawn,
            won.astype(float),
            np.stack([1 - p1, p1], axis=1),
            np.zeros(2_000, dtype=int),
            np.arange(2_000),
        )
        values.append(arm_value(log, 1).value)
    assert abs(np.mean(values) - 0.7) < 4 * np.std(values) / math.sqrt(len(values))


def small_log(**changed: np.ndarray) -> Evidence:
    fields = {
        "arms": np.array([0, 1, 0, 1]),
        "rewards": np.array([1.0, 0.0, 0.0, 1.0]),
        "probabilities": np.full((4, 2), 0.5),
        "allocations": np.array([0, 0, 1, 1]),
        "units": np.arange(4),
    }
    return Evidence(**(fields | changed))


def test_customers_who_come_back_widen_the_interval() -> None:
    """Each decision of the log made four times by the same customer tells nothing new."""
    rng = np.random.default_rng(7)
    drawn, won = rng.integers(0, 2, 500), rng.random(500)
    half, same = np.full((500, 2), 0.5), np.zeros(500, dtype=int)
    once = Evidence(drawn, won, half, same, np.arange(500))
    four = Evidence(
        *(np.repeat(each, 4, axis=0) for each in (drawn, won, half, same, np.arange(500)))
    )
    assert difference(four, 1, 0).error == pytest.approx(difference(once, 1, 0).error, rel=0.02)


def test_a_removed_arm_is_compared_while_it_was_served() -> None:
    """Decisions in which it could not be drawn say nothing about it."""
    p = np.array([[0.5, 0.5]] * 200 + [[1.0, 0.0]] * 200)
    drawn = np.array([0, 1] * 100 + [0] * 200)
    rewards = np.array([1.0, 1.0, 0.0, 0.0] * 50 + [0.0] * 200)
    log = Evidence(drawn, rewards, p, np.repeat([0, 1], 200), np.arange(400))
    assert difference(log, 1, 0).value == pytest.approx(0.0, abs=0.03)
    assert arm_value(log, 1).value == pytest.approx(0.5, abs=0.03)
    assert arm_value(log, 0).value < 0.35


def test_no_evidence_is_no_estimate() -> None:
    """An arm that was never served, and a single customer."""
    never = small_log(arms=np.zeros(4, dtype=int), probabilities=np.array([[1.0, 0.0]] * 4))
    assert math.isnan(arm_value(never, 1).value)
    assert difference(never, 1, 0).error == math.inf
    assert arm_value(small_log(units=np.zeros(4, dtype=int)), 1).error == math.inf


def test_a_lift_over_nothing_is_no_number() -> None:
    """A ratio needs both rates above 0."""
    found = lift(small_log(rewards=np.full(4, -1.0)), 1, 0)
    assert math.isnan(found.value)
    assert found.error == math.inf


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"rewards": np.zeros(3)}, "evidence"),
        ({"probabilities": np.array([[0.0, 1.0]] * 4)}, "probabilities"),
        ({"allocations": np.array([1, 0, 0, 0])}, "allocations"),
    ],
)
def test_evidence_that_cannot_be_is_refused(changed: dict, named: str) -> None:
    """By name."""
    with pytest.raises(ValueError, match=named):
        small_log(**changed)


@given(st.permutations(range(6)))
def test_a_log_is_read_in_the_order_of_decisions(order: list[int]) -> None:
    """However it was stored; customers and arms keep their own."""
    made = [
        decision(
            n, "ab"[n % 2], allocation=n // 3, unit_id=f"u{n % 4}", shares={"a": 4_000, "b": 6_000}
        )
        for n in range(6)
    ]
    outcomes = [Outcome(each, success=n < 2, quality=None) for n, each in enumerate(made)]
    found = evidence_of([outcomes[n] for n in order], ["a", "b"])
    assert found.arms.tolist() == [0, 1, 0, 1, 0, 1]
    assert found.rewards.tolist() == [1, 1, 0, 0, 0, 0]
    assert found.units.tolist() == [0, 1, 2, 3, 0, 1]
    assert found.probabilities.tolist() == [[0.4, 0.6]] * 6


def test_an_arm_outside_the_comparison_is_named() -> None:
    """A misspelt arm is no silent pass."""
    outcome = Outcome(replace(decision(1), arm="b"), success=True, quality=None)
    with pytest.raises(ValueError, match="'b'"):
        evidence_of([outcome], ["a"])
