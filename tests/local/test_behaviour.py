"""How models behave in a scenario, and the draws made from it."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import Any

import pytest

from canary.local.behaviour import (
    Behaviour,
    Moment,
    World,
    active_faults,
    behaviour,
    draw_outcome,
    draw_turn,
)
from canary.local.scenario import Scenario, validate_scenario
from canary.policy.compiled import Baseline

BASELINE = Baseline(0.002, 4000.0, 0.015, 3.2, 0.9, 0.1, 0.78, 0.12, 0.7, 0.1, 1.5, 144_000)
TODAY = Behaviour.of_baseline(BASELINE)
MANY = 20_000


def scenario(**changes: Any) -> Scenario:
    """A scenario with phases and faults."""
    values: dict[str, Any] = {
        "name": "test",
        "description": "a test",
        "seed": 5,
        "horizon_minutes": 60,
        "expect": {"outcome": "HELD"},
    }
    return validate_scenario({**values, **changes})


def test_a_phase_begins_at_its_stage_and_lasts_its_minutes() -> None:
    """`from_stage` with `from_minute` counts from when the stage was reached, `minutes` ends it."""
    phase = {"arm": "canary", "from_stage": 25, "from_minute": 2, "minutes": 3, "error_rate": 0.3}
    played = scenario(phase=[phase])
    moment = Moment().advance(1, 5).advance(10, 25)
    rates = {}
    for minute in (10, 11.9, 12, 14.9, 15):
        now = moment.advance(minute, 25)
        rates[minute] = behaviour(played, BASELINE, "canary", "faq", moment=now).error_rate
        assert behaviour(played, BASELINE, "control", "faq", moment=now) == TODAY
    assert rates == {10: 0.002, 11.9: 0.002, 12: 0.3, 14.9: 0.3, 15: 0.002}


def test_a_stage_stays_reached_when_traffic_goes_back() -> None:
    """A model that broke at 25% is still broken at 0%."""
    played = scenario(phase=[{"arm": "canary", "from_stage": 25, "error_rate": 0.3}])
    back = Moment().advance(5, 25).advance(6, 0)
    assert behaviour(played, BASELINE, "canary", "faq", moment=back).error_rate == 0.3


def test_later_phases_override_and_may_concern_some_intents() -> None:
    """Fields not named stay as an earlier phase left them."""
    played = scenario(
        phase=[
            {"arm": "canary", "error_rate": 0.1, "completion": 0.9},
            {"arm": "canary", "intents": ["faq"], "error_rate": 0.2},
        ]
    )
    faq = behaviour(played, BASELINE, "canary", "faq", moment=Moment())
    other = behaviour(played, BASELINE, "canary", "promotion", moment=Moment())
    assert (faq.error_rate, faq.completion) == (0.2, 0.9)
    assert (other.error_rate, other.completion) == (0.1, 0.9)


def test_a_shared_incident_is_both_models_and_the_runner_switches_it() -> None:
    """The world follows the lines it is told; faults by their time are the runner's question."""
    fault = {"kind": "shared_incident", "from_stage": 25, "minutes": 2, "error_rate": 0.4}
    played = scenario(fault=[fault])
    world = World(played, BASELINE, candidate="new")
    world.update({"stage_percent": 25, "minute": 10.0, "faults": ["shared_incident"]})
    assert {world.behaviour(model, "faq").error_rate for model in ("old", "new")} == {0.4}
    world.update({"stage_percent": 25, "minute": 12.0, "faults": []})
    assert world.behaviour("new", "faq") == TODAY
    on = Moment().advance(10, 25)
    assert [each.kind for each in active_faults(played, on)] == ["shared_incident"]
    assert active_faults(played, on.advance(12, 25)) == ()
    assert active_faults(played, Moment(minute=11)) == ()


def test_the_baseline_gives_todays_tail() -> None:
    """One answer in a hundred is slower than the policy's P99, and hardly any than 8 s."""
    latencies = [draw_turn(TODAY, 1, f"c{n}", 1).latency_ms for n in range(MANY)]
    assert sum(each > BASELINE.p99_ms for each in latencies) / MANY == pytest.approx(
        0.01, abs=0.003
    )
    assert sum(each > 8000 for each in latencies) < MANY * 0.0005


def test_draws_have_the_rates_of_the_behaviour() -> None:
    """Throttled first, then failed, then answered with the share of inventions."""
    how = Behaviour(**{**TODAY.__dict__, "throttle_rate": 0.2, "error_rate": 0.25})
    how = Behaviour(**{**how.__dict__, "hallucination_rate": 0.3})
    draws = [draw_turn(how, 3, f"c{n}", 1) for n in range(MANY)]
    kinds = Counter(each.kind for each in draws)
    assert kinds["throttled"] / MANY == pytest.approx(0.2, abs=0.015)
    assert kinds["error"] / MANY == pytest.approx(0.8 * 0.25, abs=0.015)
    answers = [each for each in draws if each.kind == "answer"]
    invented = sum(each.hallucinated for each in answers)
    assert invented / len(answers) == pytest.approx(0.3, abs=0.02)


def test_outcomes_have_the_means_of_the_behaviour() -> None:
    """Completion, satisfaction (mean and spread), clicks, carts and silence as stated."""
    drawn = [draw_outcome(TODAY, 3, f"c{n}") for n in range(3 * MANY)]
    scores = [each.csat for each in drawn if each.csat is not None]
    carts = [each.cart_abandoned for each in drawn if each.cart_abandoned is not None]
    assert len(scores) / len(drawn) == pytest.approx(0.1, abs=0.005)
    assert statistics.mean(scores) == pytest.approx(3.2, abs=0.05)
    assert statistics.stdev(scores) == pytest.approx(0.9, abs=0.05)
    assert set(scores) == {1, 2, 3, 4}
    assert statistics.mean(each.completed for each in drawn) == pytest.approx(0.78, abs=0.01)
    assert statistics.mean(each.clicked for each in drawn) == pytest.approx(0.12, abs=0.01)
    assert len(carts) / len(drawn) == pytest.approx(0.1, abs=0.005)
    assert statistics.mean(carts) == pytest.approx(0.7, abs=0.02)


def test_draws_depend_on_nothing_but_seed_conversation_turn_and_attempt() -> None:
    """The same again; another attempt, turn, conversation or seed is other luck."""
    first = draw_turn(TODAY, 1, "c1", 1)
    assert draw_turn(TODAY, 1, "c1", 1) == first
    others = {
        draw_turn(TODAY, *rest).latency_ms
        for rest in ((1, "c1", 1, 2), (1, "c1", 2), (1, "c2", 1), (2, "c1", 1))
    }
    assert len(others | {first.latency_ms}) == 5


def test_both_arms_have_the_same_luck() -> None:
    """A better model completes every conversation that the worse one does."""
    better = Behaviour(**{**TODAY.__dict__, "completion": 0.86})
    worse = [draw_outcome(TODAY, 1, f"c{n}").completed for n in range(1000)]
    gained = [draw_outcome(better, 1, f"c{n}").completed for n in range(1000)]
    assert all(after or not before for before, after in zip(worse, gained, strict=True))
    assert sum(gained) > sum(worse)
