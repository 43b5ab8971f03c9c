"""Served probabilities: whole parts, the floor, and draws that follow them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.bandits.shares import PARTS, arm_at, check_shares, shares_of
from canary.statistics.exploration import floor_mixture

weights = st.lists(st.floats(0, 1), min_size=1, max_size=4).filter(lambda each: sum(each) > 0.01)


@given(weights, st.integers(0, 2_500))
def test_shares_are_the_mixture_to_the_last_part_and_never_below_the_floor(
    given_weights: list[float], least: int
) -> None:
    """A tenth for every arm is a tenth, whatever rounding does."""
    chances = [each / sum(given_weights) for each in given_weights]
    arms = [f"v{index}" for index in range(len(chances))]
    shares = shares_of(arms, chances, least / PARTS)
    assert sum(shares.values()) == PARTS
    assert min(shares.values()) >= least
    exact = floor_mixture(chances, least / PARTS) * PARTS
    assert max(abs(exact - list(shares.values()))) < 1 + 1e-6


def test_each_place_of_the_hash_belongs_to_an_arm_as_often_as_its_share_says() -> None:
    """So the logged probability is the one that was drawn by."""
    shares = shares_of(["a", "b", "c"], [0.12345, 0.87655, 0], 0.1)
    assert Counter(arm_at(shares, place) for place in range(PARTS)) == Counter(shares)


@pytest.mark.parametrize("place", [-1, PARTS])
def test_a_place_outside_is_refused(place: int) -> None:
    """By its number."""
    with pytest.raises(ValueError, match=f"place: {place}"):
        arm_at({"a": PARTS}, place)


@pytest.mark.parametrize("shares", [{"a": 9_999}, {"a": PARTS, "b": 0}])
def test_shares_that_are_none_are_refused(shares: dict[str, int]) -> None:
    """An analysis divides by them."""
    with pytest.raises(ValueError, match="shares"):
        check_shares(shares)


def test_a_floor_that_cannot_be_served_exactly_is_refused() -> None:
    """A third is no whole number of ten-thousandths."""
    with pytest.raises(ValueError, match="floor"):
        shares_of(["a", "b"], [0.5, 0.5], 1 / 3)


def test_as_many_chances_as_arms() -> None:
    """And every arm once."""
    with pytest.raises(ValueError, match="arms"):
        shares_of(["a", "a"], [0.5, 0.5], 0.1)
    with pytest.raises(ValueError, match="arms"):
        shares_of(["a"], [0.5, 0.5], 0.1)
