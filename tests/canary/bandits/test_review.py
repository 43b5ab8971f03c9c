"""What a review says of the arms, and when a bandit has converged."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from canary.bandits.context import Context
from canary.bandits.linear import LinearSums, expected_losses
from canary.bandits.posterior import best_chances
from canary.bandits.review import Convergence, review
from canary.bandits.state import BanditState
from tests.canary.bandits.logs import HOUR, RULES, START, linucb, thompson

DAY = 24 * HOUR
CONTEXTS = [Context(0.2, "en", prime=False), Context(0.8, "ja", prime=True)]


def learned(*counts: tuple[int, int]) -> BanditState:
    state = thompson(*"abcd"[: len(counts)])
    arms = (
        replace(arm, successes=good, failures=bad)
        for arm, (good, bad) in zip(state.arms, counts, strict=True)
    )
    return replace(state, arms=tuple(arms))


@pytest.mark.parametrize(
    ("counts", "days", "expected"),
    [
        (((900, 100), (500, 500)), 1, Convergence.CONVERGED),
        (((70, 30), (72, 28)), 13, Convergence.LEARNING),
        (((70, 30), (72, 28)), 14, Convergence.NOISY),
        (((70_000, 30_000), (70_100, 29_900)), 14, Convergence.CONVERGED),
    ],
    ids=["clear", "early", "noisy", "alike but known to be"],
)
def test_a_bandit_has_converged_when_half_a_point_cannot_be_lost(
    counts: tuple[tuple[int, int], ...], days: float, expected: Convergence
) -> None:
    """And is noisy when it has not after 14 days."""
    assert review(learned(*counts), RULES, now=START + days * DAY).convergence is expected


def test_a_reset_gives_it_fourteen_days_more() -> None:
    """They count from the last reset or removal."""
    state = replace(learned((70, 30), (72, 28)), learning_since=START + 10 * DAY)
    found = review(state, RULES, now=START + 20 * DAY)
    assert found.convergence is Convergence.LEARNING
    assert found.days_learning == pytest.approx(10)


def test_it_shows_each_served_arm_and_names_the_removed() -> None:
    """With the chance that allocation is made from, and an interval about the mean."""
    state = learned((50, 50), (60, 40), (55, 45))
    gone = replace(state, arms=(*state.arms[:2], replace(state.arms[2], removed_at=START)))
    found = review(gone, RULES, now=START)
    assert ([arm.name for arm in found.arms], found.removed) == (["a", "b"], ("c",))
    assert [arm.chance_best for arm in found.arms] == pytest.approx(
        list(best_chances([50, 60], [50, 40]))
    )
    assert all(arm.low < arm.mean < arm.high for arm in found.arms)
    assert found.best == "b"
    assert found.expected_loss == min(arm.expected_loss for arm in found.arms)


def test_linear_losses_are_the_mean_of_draws() -> None:
    """Within five standard errors of 200,000 draws of each arm's reward."""
    rng = np.random.default_rng(11)
    arms = tuple(
        LinearSums.empty(2).plus(rng.random((n, 2)), rng.random(n) < rate)
        for n, rate in ((5, 0.5), (30, 0.6), (200, 0.55))
    )
    x = np.array([[1.0, 0.2], [0.5, 1.0]])
    found = expected_losses(arms, x, ridge=1.0, noise=0.5)
    grams = [np.array(arm.outer) + np.eye(2) for arm in arms]
    for row, context in enumerate(x):
        draws = np.stack(
            [
                rng.normal(
                    context @ np.linalg.solve(gram, arm.gain),
                    0.5 * np.sqrt(context @ np.linalg.solve(gram, context)),
                    200_000,
                )
                for gram, arm in zip(grams, arms, strict=True)
            ],
            axis=-1,
        )
        lost = draws.max(axis=-1, keepdims=True) - draws
        error = lost.std(axis=0) / 200_000**0.5
        assert np.all(abs(lost.mean(axis=0) - found[row]) < 5 * error)


def test_linear_losses_of_two_arms_have_their_closed_form() -> None:
    """E[max(b - a, 0)] of two normals, to eight digits after the point."""
    arms = (
        LinearSums.empty(1).plus([[1.0]] * 50, [0.6] * 50),
        LinearSums.empty(1).plus([[1.0]] * 8, [0.7] * 8),
    )
    found = expected_losses(arms, [[1.0]], ridge=1.0, noise=0.5)[0]
    lead = 0.7 * 8 / 9 - 0.6 * 50 / 51
    spread = 0.5 * (1 / 51 + 1 / 9) ** 0.5
    z = NormalDist()
    expected = spread * z.pdf(lead / spread) + lead * z.cdf(lead / spread)
    assert found == pytest.approx([expected, expected - lead], abs=1e-8)


def test_a_contextual_bandit_converges_though_no_arm_is_best_everywhere() -> None:
    """Each arm gives something up; choosing by context does not."""
    state = linucb()
    vectors = np.array([each.vector() for each in CONTEXTS] * 2_000)
    good = np.array([1.0, 0.0] * 2_000)
    empty = LinearSums.empty(5)
    arms = tuple(
        replace(arm, linear=empty.plus(vectors, rewards), successes=2_000, failures=2_000)
        for arm, rewards in zip(state.arms, (good, 1 - good), strict=True)
    )
    found = review(replace(state, arms=arms), RULES, now=START + DAY, contexts=CONTEXTS)
    assert [arm.expected_loss for arm in found.arms] == pytest.approx([0.5, 0.5], abs=0.01)
    assert found.convergence is Convergence.CONVERGED
    assert [arm.chance_best for arm in found.arms] == [None, None]


def test_a_contextual_bandit_is_reviewed_over_contexts() -> None:
    """None is an error, not a zero."""
    with pytest.raises(ValueError, match="contexts"):
        review(linucb(), RULES, now=START)
