"""The simulator's alarms are the templates' metric math, for arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from canary.local.alarm_math import compile_expression
from canary.policy.compiled import Trigger
from canary.simulation import alarms
from canary.simulation.alarms import Counted, breaches, counted, shared_breaches
from canary.simulation.draws import Purpose, generator
from canary.simulation.rates import Rates
from canary.simulation.streams import draw
from canary.statistics.detector import flagged_rate
from stacks.constructs import bounds
from tests.canary.simulation.settings import made, own_policy

TRIGGERS = [each for each in own_policy().triggers if each.statistic == "rate"]
NOTHING = (np.zeros((4, 2, 0)), np.zeros((4, 2, 0)))


def counts(trigger: Trigger, size: int = 4000) -> Counted:
    """Windows around the trigger's threshold, many of them with little traffic or none."""
    rng = np.random.default_rng(5)
    n, nc = (rng.integers(0, 400, size).astype(float) for _ in range(2))
    level = trigger.threshold * rng.uniform(0.2, 8.0, size)
    other = trigger.threshold * rng.uniform(0.0, 4.0, size)
    return Counted(e=rng.poisson(n * level) * 1.0, n=n, ec=rng.poisson(nc * other) * 1.0, nc=nc)


def by_template(expression: str, found: Counted, limit: float) -> list[bool]:
    """What the alarm's own expression says of each window."""
    matched = found.ec * np.divide(
        found.n, found.nc, out=np.zeros_like(found.n), where=found.nc > 0
    )
    program = compile_expression(expression)
    said = program(
        {
            name: values.tolist()
            for name, values in {
                "e": found.e,
                "n": found.n,
                "ec": found.ec,
                "nc": found.nc,
                "em": matched,
                "nm": np.where(found.nc > 0, found.n, 0.0),
            }.items()
        }
    )
    assert isinstance(said, list)
    return [value is not None and value > limit for value in said]


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda each: each.name)
def test_arrays_say_what_the_templates_expressions_say(trigger: Trigger) -> None:
    """Window by window, for the canary's own alarms and for those of shared incidents."""
    found = counts(trigger)
    limit = bounds.observed_threshold(own_policy(), trigger)
    own = breaches(trigger, limit, found).tolist()
    shared = shared_breaches(trigger, limit, found).tolist()
    assert own == by_template(bounds.breach(trigger), found, limit)
    assert shared == by_template(bounds.shared(trigger), found, limit)
    assert any(own)
    assert any(shared)


def test_a_detectors_threshold_is_that_of_the_template() -> None:
    """The level as the detector shows it."""
    policy = own_policy()
    (trigger, *_) = (each for each in TRIGGERS if each.name == "hallucination")
    seen = flagged_rate(trigger.threshold, policy.detector.sensitivity, policy.detector.specificity)
    assert bounds.observed_threshold(policy, trigger) == pytest.approx(seen, abs=1e-6)


def test_windows_reach_back_over_the_start_of_a_stretch() -> None:
    """Six steps' sums at the first step of a stretch with five before it."""
    events = np.arange(1.0, 17.0).reshape(2, 8)
    found = counted(events, events * 10, 1800, lead=5)
    assert found.ec.tolist() == [21.0, 27.0, 33.0]
    assert found.n.tolist() == [690.0, 750.0, 810.0]


def test_an_outage_rings_within_a_minute_of_its_start() -> None:
    """By the rolling minute, before five minutes are over."""
    setting = made(faults=[{"after": "1h", "error": 0.5}])
    rates = Rates(own_policy(), setting.world, setting.weeks[15][0])
    stream = draw(generator((1, 1), Purpose.STREAM), rates, 3, 0.0, 2)
    rung = alarms.raised(own_policy(), stream, NOTHING, (1, 1), 0)
    assert rung.critical == "canary-error-60s"
    assert rung.critical_at is not None
    assert 3600 < rung.critical_at <= 3660


def test_without_triggers_nothing_rings() -> None:
    """The policy says what is watched."""
    silent = replace(own_policy(), triggers=())
    setting = made(faults=[{"after": "1h", "error": 0.5}])
    stream = draw(
        generator((1, 1), Purpose.STREAM),
        Rates(silent, setting.world, setting.weeks[15][0]),
        3,
        0.0,
        2,
    )
    rung = alarms.raised(silent, stream, NOTHING, (1, 1), 0)
    assert (rung.states, rung.critical_at) == ({}, None)
