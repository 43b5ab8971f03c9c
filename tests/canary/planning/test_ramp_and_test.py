"""The planned ramp, and what the registered test finds at the end of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canary.planning.confirmatory import plan_test
from canary.planning.ramp import Span, information, joint_pass, planned_ramp, stage_blocks
from canary.policy.compiled import CompiledPolicy
from canary.statistics.spending import planned_boundaries

DAY = 86_400
AT_HALF = (Span(3, 0.0, 14 * DAY, 1.0),)
"""A test that runs at 50% from its first exposure."""


def _one_look(policy: CompiledPolicy, **changes: object) -> CompiledPolicy:
    plan = replace(policy.statistics, looks_seconds=(14 * DAY,), min_effect=0.0, **changes)
    return replace(policy, statistics=plan)


def test_a_stage_ends_with_the_first_block_that_is_likely_to_pass(compiled: CompiledPolicy) -> None:
    """Satisfaction has no matured outcome after the first 24 h, so stage 2 is planned for 48."""
    spans = planned_ramp(compiled)
    assert [(span.stage, span.end) for span in spans] == [
        (1, 4 * 3_600),
        (2, 52 * 3_600),
        (3, 14 * DAY),
    ]
    assert joint_pass(compiled, 2, DAY) == 0
    assert joint_pass(compiled, 2, 2 * DAY) == pytest.approx(spans[1].passes)
    assert spans[1].passes >= 0.8


def test_blocks_are_the_minimum_again_and_again_up_to_the_maximum(compiled: CompiledPolicy) -> None:
    """Stage 2: 24, 48, 72 and 96 h."""
    assert stage_blocks(compiled, 2) == (DAY, 2 * DAY, 3 * DAY, 4 * DAY)


def test_information_adds_up_over_the_ramp_by_hand(small: CompiledPolicy) -> None:
    """A day at 5% and two at 50%: 10,000 * (.0475 + 2 * .25) / .1716 = 31,906."""
    ramp = (Span(1, 0.0, DAY, 1.0), Span(3, float(DAY), 2.0 * DAY, 1.0))
    found = information(small, ramp, small.intents, 3 * DAY, variance=0.1716)
    assert found == pytest.approx(31_905.6, abs=0.1)


def test_days_agree_with_the_sample_size_formula(small: CompiledPolicy) -> None:
    """2 * .1716 * (1.95996 + .84162)^2 / .02^2 = 6,734.2 an arm at 5,000 a day, and 6 h more."""
    plan = plan_test(_one_look(small), AT_HALF, 0.02)
    assert plan.needed_days == pytest.approx(6734.2 / 5_000 + 0.25, abs=2e-3)
    assert plan.intents[0].days == plan.needed_days


def test_the_least_effect_by_hand(small: CompiledPolicy) -> None:
    """13.75 days at 2,500 / .1716: 2.80158 / sqrt(200,320) = .62595 points."""
    plan = plan_test(_one_look(small), AT_HALF, 0.02)
    assert plan.looks[-1].mde == pytest.approx(0.0062595, abs=1e-6)
    assert plan_test(_one_look(small), AT_HALF, 0.0062595).power == pytest.approx(0.8, abs=1e-4)


def test_an_identical_candidate_is_promoted_as_rarely_as_alpha_says(small: CompiledPolicy) -> None:
    """One side of .05; with a least effect of a point, still more rarely."""
    assert plan_test(_one_look(small), AT_HALF, 0.02).power_identical == pytest.approx(0.025)
    demanding = replace(_one_look(small).statistics, min_effect=0.01)
    plan = plan_test(replace(small, statistics=demanding), AT_HALF, 0.02)
    assert plan.power_identical < 0.001


def test_non_inferiority_is_counted_from_the_margin(small: CompiledPolicy) -> None:
    """What finds +1 point of superiority proves an identical candidate not worse by 1."""
    superior = plan_test(_one_look(small), AT_HALF, 0.01)
    same = plan_test(_one_look(small, hypothesis="non_inferiority", margin=0.01), AT_HALF, 0.0)
    assert same.power_identical == pytest.approx(superior.power)


def test_bounds_are_those_of_the_planned_information(compiled: CompiledPolicy) -> None:
    """O'Brien-Fleming type at each look's share; the last decides and spends what is left."""
    plan = plan_test(compiled, planned_ramp(compiled), 0.02)
    fractions = [look.fraction for look in plan.looks]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert [look.bound for look in plan.looks] == pytest.approx(planned_boundaries(fractions, 0.05))


def test_the_bottleneck_is_the_intent_with_the_least_traffic(compiled: CompiledPolicy) -> None:
    """Escalation, 6,000 a day, needs longest; more customers a conversation, longer still."""
    ramp = planned_ramp(compiled)
    plan = plan_test(compiled, ramp, 0.02)
    assert plan.bottleneck.intent == "escalation"
    days = [each.days or 0 for each in plan.intents]
    assert days == sorted(days)
    clustered = plan_test(compiled, ramp, 0.02, design_effect=2)
    assert (clustered.bottleneck.days or 0) > (plan.bottleneck.days or 0)


def test_a_look_before_any_outcome_has_no_bound(small: CompiledPolicy) -> None:
    """Six hours after the first exposure no completion has matured."""
    plan = replace(small.statistics, looks_seconds=(6 * 3_600, 14 * DAY))
    looks = plan_test(replace(small, statistics=plan), AT_HALF, 0.02).looks
    assert (looks[0].bound, looks[0].mde, looks[0].fraction) == (None, None, 0.0)
    assert looks[1].bound is not None


def test_an_effect_below_the_least_is_never_found(compiled: CompiledPolicy) -> None:
    """Half a point never looks like one with power .8, however long one waits."""
    assert plan_test(compiled, planned_ramp(compiled), 0.005).needed_days is None


def test_a_primary_metric_without_a_known_spread_is_refused(compiled: CompiledPolicy) -> None:
    """Turns to a resolution have no deviation in the baseline."""
    plan = replace(compiled.statistics, primary_metric="turns_per_resolution")
    with pytest.raises(ValueError, match="primary_metric: turns_per_resolution"):
        plan_test(replace(compiled, statistics=plan), AT_HALF, 0.02)
