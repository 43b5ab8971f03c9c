"""The three rules' weights."""

from __future__ import annotations

import pytest

from canary.routing.weights import TrafficForm, safe_form, traffic_form


def test_application_routing_opens_only_the_canarys_rule() -> None:
    """The API draws the arm; the rest of the traffic stays on the primary."""
    assert traffic_form("application", 0.25) == TrafficForm(0, 100, 0)


def test_alb_routing_draws_by_the_stages_rate() -> None:
    """The third rule carries the stage's percentage."""
    assert traffic_form("alb", 0.05) == TrafficForm(0, 100, 5)


def test_a_stage_without_traffic_closes_the_canarys_rule() -> None:
    """At 0% even a header cannot reach the canary."""
    assert traffic_form("alb", 0.0) == traffic_form("application", 0.0) == TrafficForm(0, 0, 0)


def test_promotion_puts_every_rule_on_the_canary() -> None:
    """Pinned control conversations go there too."""
    assert traffic_form("application", 1.0, promotion=True) == TrafficForm(100, 100, 100)


def test_safe_form_is_all_or_nothing() -> None:
    """The safe arm takes every rule."""
    assert safe_form("primary") == TrafficForm(0, 0, 0)
    assert safe_form("canary") == TrafficForm(100, 100, 100)


def test_a_form_survives_a_round_trip_and_refuses_other_weights() -> None:
    """Weights are percentages, by rule name."""
    form = TrafficForm(0, 100, 25)
    assert TrafficForm.from_dict(form.to_dict()) == form
    with pytest.raises(ValueError, match="draw: weight 101"):
        TrafficForm(0, 0, 101)
