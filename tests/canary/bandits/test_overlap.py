"""The stand-in for BERTScore: what it promises, which is not much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.bandits.overlap import OverlapScorer, overlap

REFERENCES = (
    "You can pay by credit card, PayPal or gift card at checkout.",
    "お支払いはクレジットカード、PayPal、ギフトカードをご利用いただけます。",
)


def score(answer: str) -> float:
    return OverlapScorer().scores([answer], REFERENCES)[0]


def test_a_reference_is_perfect_in_any_case_and_width() -> None:
    """Case, spaces and full-width letters do not count."""
    assert score(REFERENCES[0].upper()) == pytest.approx(1)
    assert (
        score(
            "お支払いはクレジットカード、\uff30\uff41\uff59\uff30\uff41\uff4c、ギフトカードをご利用いただけます。"
        )
        == 1
    )


def test_the_nearest_reference_counts_and_what_is_far_scores_low() -> None:
    """A variation is above the floor, another subject below it, nothing in common is .5."""
    assert score("You can pay by PayPal, credit card or gift card.") > 0.8
    assert score("Naruto has seventy-two volumes.") < 0.75
    assert score("") == score("###") == 0.5
    assert OverlapScorer().scores(["anything"], []) == [0.5]


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_is_mutual_and_between_none_and_all(first: str, second: str) -> None:
    """F1 knows no order."""
    assert 0 <= overlap(first, second) <= 1
    assert overlap(first, second) == pytest.approx(overlap(second, first))
