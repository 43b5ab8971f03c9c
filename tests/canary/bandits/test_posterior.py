"""P(best), expected loss and intervals against scipy and against what they mean."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from canary.bandits.posterior import best_chances, expected_losses, intervals
from canary.statistics import beta_bernoulli

counts = st.one_of(st.integers(0, 30), st.integers(0, 2_000_000))
bandits = st.lists(st.tuples(counts, counts), min_size=1, max_size=4)
VECTORS = json.loads((Path(__file__).parents[2] / "data/statistics.json").read_text())["vectors"]
GOLD = [each for each in VECTORS if each["function"] == "beta_bernoulli_p_best"]


@given(bandits)
def test_the_chances_agree_with_scipy(arms: list[tuple[int, int]]) -> None:
    """From no reward to millions: to six digits after the point, for one to four arms."""
    good, bad = zip(*arms, strict=True)
    with_scipy = beta_bernoulli.probability_best(
        [beta_bernoulli.Beta(g + 1, b + 1) for g, b in arms]
    )
    assert best_chances(good, bad) == pytest.approx(with_scipy, abs=1e-6)


@given(st.tuples(counts, counts), st.tuples(counts, counts))
def test_the_losses_agree_with_stucchios_formula(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    """E[max(b - a, 0)] = mean b * P(b+ > a) - mean a * P(b > a+), "+" being one more success."""
    a, b = (beta_bernoulli.Beta(good + 1, bad + 1) for good, bad in (first, second))
    more = [beta_bernoulli.Beta(arm.alpha + 1, arm.beta) for arm in (a, b)]
    better = beta_bernoulli.probability_better
    expected = b.mean * better(a, more[1]) - a.mean * better(more[0], b)
    found = expected_losses(*zip(first, second, strict=True))
    assert found[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("vector", GOLD, ids=lambda vector: vector["id"])
def test_the_gold_vector_of_four_arms_is_met_without_scipy(vector: dict) -> None:
    """The same vector that the library is held to."""
    arms = vector["inputs"]["arms"]
    found = best_chances([a["alpha"] - 1 for a in arms], [a["beta"] - 1 for a in arms])
    assert found == pytest.approx(vector["expected"]["p_best"], rel=1e-6)


def test_many_bandits_at_once_are_each_as_if_alone() -> None:
    """A simulation asks for thousands in one call."""
    good = np.array([[0, 0, 0], [80, 90, 70], [5_000, 5_050, 1]])
    bad = np.array([[0, 0, 0], [20, 10, 30], [5_000, 4_950, 0]])
    together = best_chances(good, bad), expected_losses(good, bad)
    for row in range(3):
        assert together[0][row] == pytest.approx(best_chances(good[row], bad[row]), abs=1e-12)
        assert together[1][row] == pytest.approx(expected_losses(good[row], bad[row]), abs=1e-12)


@given(bandits)
def test_losses_differ_by_the_posterior_means(arms: list[tuple[int, int]]) -> None:
    """E[best] is one number, so a loss and its arm's mean add up to the same for all arms."""
    good, bad = (np.array(side, dtype=float) for side in zip(*arms, strict=True))
    best = expected_losses(good, bad) + (good + 1) / (good + bad + 2)
    assert np.ptp(best) < 1e-10


@given(counts, counts)
def test_an_interval_has_scipys_ends(good: int, bad: int) -> None:
    """To a hundredth of a standard deviation."""
    found = intervals([good], [bad])[0]
    mean = (good + 1) / (good + bad + 2)
    deviation = (mean * (1 - mean) / (good + bad + 3)) ** 0.5
    ends = beta(good + 1, bad + 1).interval(0.95)
    assert found == pytest.approx(ends, abs=0.01 * deviation)


@pytest.mark.parametrize(("good", "bad"), [([], []), ([-1], [2]), ([float("nan")], [2])])
def test_counts_that_cannot_be_are_refused(good: list[float], bad: list[float]) -> None:
    """By name."""
    with pytest.raises(ValueError, match="successes"):
        best_chances(good, bad)
