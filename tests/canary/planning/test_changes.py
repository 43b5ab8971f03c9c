"""Each change is enough, and the least that is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canary.planning.changes import gate_changes, intent_change, stage_changes
from canary.planning.confirmatory import plan_test
from canary.planning.gates import POWER, gate_pass
from canary.planning.ramp import joint_pass, planned_ramp
from canary.planning.solve import least_enough
from canary.policy.compiled import CompiledPolicy, Gate

HOUR = 3_600


def _gate(policy: CompiledPolicy, metric: str, stage: int) -> Gate:
    return next(
        gate
        for gate in policy.gates
        if (gate.metric, gate.stage, gate.kind) == (metric, stage, "must_pass")
    )


def test_a_longer_stage_is_enough_and_an_hour_less_is_not(compiled: CompiledPolicy) -> None:
    """Stage 2 of the default policy, whose first look comes before satisfaction has matured."""
    (change,) = stage_changes(compiled)
    assert (change.stage, change.passes) == (2, 0.0)
    assert change.seconds is not None
    assert joint_pass(compiled, 2, change.seconds) >= POWER
    assert joint_pass(compiled, 2, change.seconds - HOUR) < POWER


def test_each_gate_has_its_own_least_duration(compiled: CompiledPolicy) -> None:
    """Carts and satisfaction mature after a day: only more time helps."""
    changes = list(gate_changes(compiled))
    assert [(change.metric, change.stage) for change in changes] == [("cart", 2), ("csat", 2)]
    for change in changes:
        gate = _gate(compiled, change.metric, change.stage)
        assert change.seconds is not None
        assert (gate_pass(compiled, gate, change.seconds) or 0) >= POWER
        assert (gate_pass(compiled, gate, change.seconds - HOUR) or 0) < POWER
        assert (change.rate, change.limit) == (None, None)
        assert "nothing else by then" in change.sentence


def test_a_wider_margin_is_enough_and_a_narrower_one_is_not(japan: CompiledPolicy) -> None:
    """Half the volume: at 50% satisfaction passes -1% after two days with .7 only."""
    change = next(each for each in gate_changes(japan) if each.stage == 3)
    assert change.metric == "csat"
    assert change.limit is not None
    gate, minimum = _gate(japan, "csat", 3), japan.stages[3].min_seconds
    assert (gate_pass(japan, replace(gate, limit=change.limit), minimum) or 0) >= POWER
    tighter = replace(gate, limit=change.limit + 2e-5)
    assert (gate_pass(japan, tighter, minimum) or 0) < POWER
    assert "-1.14% of control's" in change.sentence


def test_a_higher_rate_is_enough_and_a_lower_one_is_not(small: CompiledPolicy) -> None:
    """10,000 conversations a day at 5% prove no 2.5 points of completion in a day; 20% do."""
    gate = Gate("completion", 1, "must_pass", "points", -0.025)
    stages = tuple(
        replace(stage, min_seconds=30 * HOUR) if stage.index == 1 else stage
        for stage in small.stages
    )
    policy = replace(small, stages=stages, gates=(gate,))
    (change,) = gate_changes(policy)
    assert change.rate is not None
    for share, enough in ((change.rate, True), (change.rate - 0.002, False)):
        ramp = tuple(replace(s, rate=share) if s.index == 1 else s for s in stages)
        found = gate_pass(replace(policy, stages=ramp), gate, 30 * HOUR) or 0
        assert (found >= POWER) is enough


def test_a_gate_that_is_passed_in_time_needs_no_change(small: CompiledPolicy) -> None:
    """With a margin of 20 points nothing is to be mended."""
    gate = Gate("completion", 3, "must_pass", "points", -0.2)
    assert list(gate_changes(replace(small, gates=(gate,)))) == []
    assert list(stage_changes(replace(small, gates=(gate,)))) == []


def test_the_slowest_intent_catches_up_at_the_rate_that_is_named(compiled: CompiledPolicy) -> None:
    """5,000 a day against 6,000 at the same 5%: with about 6% both bring the same."""
    intents = (
        replace(compiled.intents[0], daily_volume=6_000.0, rate=0.05),
        replace(compiled.intents[-2], daily_volume=5_000.0, rate=0.05),
    )
    stages = tuple(
        replace(stage, rate=0.05, min_seconds=13 * 24 * HOUR, max_seconds=13 * 24 * HOUR)
        if stage.index == 1
        else stage
        for stage in compiled.stages
    )
    policy = replace(compiled, intents=intents, stages=stages, gates=())
    ramp = planned_ramp(policy)
    plan = plan_test(policy, ramp, 0.03)
    change = intent_change(policy, ramp, plan)
    assert change is not None
    assert (change.intent, change.following) == ("chitchat", "recommendation")
    assert change.rate == pytest.approx(0.06, abs=0.005)
    assert change.effect is not None
    assert change.effect > 0.03


def test_one_intent_alone_has_nobody_to_wait_for(small: CompiledPolicy) -> None:
    """Nothing is slower than anything."""
    ramp = planned_ramp(small)
    assert intent_change(small, ramp, plan_test(small, ramp, 0.02)) is None


def test_bisection_finds_the_edge_or_says_there_is_none() -> None:
    """From 3 on it is enough; from 11 on only beyond the range; from 0 on at once."""
    assert least_enough(lambda x: x >= 3, 0, 10, within=1e-9) == pytest.approx(3)
    assert least_enough(lambda x: x >= 11, 0, 10, within=1e-9) is None
    assert least_enough(lambda x: x >= 0, 0, 10, within=1e-9) == 0
