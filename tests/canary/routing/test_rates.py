"""Rates by stage and intent."""

from __future__ import annotations

import pytest

from canary.routing.rates import asked_share, rate, rates_by_intent
from tests.canary.samples import VOLUMES, policy


def test_asked_share_at_five_percent_is_the_volume_weighted_tier_rate() -> None:
    """Tier rates above the stage's make "5%" ask for 9.5% of new units."""
    assert asked_share(policy(), 1) == pytest.approx(0.095)


def test_rate_is_the_higher_of_stage_and_tier() -> None:
    """A stage never lowers a tier's rate, and a tier never lowers a stage's."""
    assert rate(policy(), 1, "recommendation") == 0.05
    assert rate(policy(), 1, "chitchat") == 0.25
    assert rate(policy(), 3, "chitchat") == 0.50


def test_rate_is_nobody_at_the_first_stage_and_everybody_at_the_last() -> None:
    """The ends of the ramp are the same for every intent."""
    assert set(rates_by_intent(policy(), 0).values()) == {0.0}
    assert set(rates_by_intent(policy(), 4).values()) == {1.0}


def test_rate_under_alb_routing_is_the_stages() -> None:
    """The listener cannot see intents."""
    assert set(rates_by_intent(policy(routing="alb"), 1).values()) == {0.05}
    assert asked_share(policy(routing="alb"), 1) == pytest.approx(0.05)


def test_rates_never_fall_along_the_ramp() -> None:
    """Each intent's rate is monotone in the stage."""
    for intent in VOLUMES:
        rates = [rate(policy(), stage, intent) for stage in range(5)]
        assert rates == sorted(rates)


def test_rate_of_an_unknown_stage_or_intent_is_refused() -> None:
    """The error names what is wrong."""
    with pytest.raises(ValueError, match="stage: 5"):
        rate(policy(), 5, "faq")
    with pytest.raises(KeyError, match="nonsense"):
        rate(policy(), 1, "nonsense")
