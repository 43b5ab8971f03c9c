"""Sample sizes at an allocation, and their days at the policy's volumes."""

from __future__ import annotations

import pytest

from canary.planning.samples import Question, plan_samples
from canary.policy.compiled import CompiledPolicy
from canary.statistics.sample_size import farrington_manning_size, noninferiority_size

SOURCE = Question(0.78, 0.02)


def test_the_source_s_question_needs_6507_an_arm() -> None:
    """The source says about 6,500 with rounded quantiles; pooled it is 6,510."""
    plan = plan_samples(SOURCE, 0.5)
    assert (plan.control, plan.canary, plan.total) == (6_507, 6_507, 13_014)
    pooled = plan_samples(Question(0.78, 0.02, pooled=True), 0.5)
    assert (pooled.control, pooled.canary) == (6_510, 6_510)


def test_a_small_share_by_hand() -> None:
    """At 5% (.1716 + .16 * 19) * 7.84888 / .0004 = 63,018 control, a nineteenth canary."""
    plan = plan_samples(SOURCE, 0.05)
    assert plan.control == pytest.approx(63_018, abs=2)
    assert plan.canary == pytest.approx(63_018 / 19, abs=2)


def test_non_inferiority_by_both_tests() -> None:
    """Wald's by default, Farrington and Manning's when pooled."""
    plan = plan_samples(Question(0.78, 0.0, margin=0.01, alpha=0.025, sides=1), 0.5)
    wald = noninferiority_size(0.78, 0.78, 0.01).whole()
    assert (plan.control, plan.canary) == tuple(int(n) for n in wald)
    scored = plan_samples(Question(0.78, 0.0, margin=0.01, alpha=0.025, sides=1, pooled=True), 0.5)
    exact = farrington_manning_size(0.78, 0.78, 0.01).whole()
    assert (scored.control, scored.canary) == tuple(int(n) for n in exact)


def test_a_mean_by_hand() -> None:
    """Satisfaction +.1: 2 * .81 * 7.84888 / .01 = 1,271.5; of one survey in ten, 12,716."""
    question = Question(3.2, 0.1, deviation=0.9)
    assert plan_samples(question, 0.5).control == 1_272
    surveyed = Question(3.2, 0.1, deviation=0.9, observed=0.1)
    assert plan_samples(surveyed, 0.5).control == pytest.approx(12_715, abs=1)


def test_a_mean_s_margin_is_the_distance_to_it() -> None:
    """An identical candidate and a margin of .1 need what +.1 needs, one-sided."""
    margin = Question(3.2, 0.0, deviation=0.9, margin=0.1, alpha=0.025, sides=1)
    effect = Question(3.2, 0.1, deviation=0.9, alpha=0.025, sides=1)
    assert plan_samples(margin, 0.5).control == plan_samples(effect, 0.5).control


def test_a_design_effect_multiplies_the_sample() -> None:
    """Two conversations a customer that correlate wholly need twice the conversations."""
    plan = plan_samples(Question(0.78, 0.02, design_effect=2), 0.5)
    assert plan.control == pytest.approx(2 * 6_506.72, abs=1)


def test_days_are_the_sample_over_the_volume(compiled: CompiledPolicy) -> None:
    """Recommendation at 50%: 6,506.7 an arm of 36,000 a day; escalation 12 times as long."""
    plan = plan_samples(SOURCE, 0.5, compiled)
    days = {row.intent: row.days for row in plan.intents}
    assert plan.stages == (1, 2, 3)
    assert days["recommendation"][2] == pytest.approx(6_506.72 / 36_000)
    assert days["escalation"][2] == pytest.approx(6_506.72 / 3_000)
    assert (days["escalation"][0] or 0) == days["escalation"][1]


def test_all_intents_together_need_what_their_volume_needs(compiled: CompiledPolicy) -> None:
    """At 50% all have one allocation: 13,013.4 conversations of 300,000 a day."""
    plan = plan_samples(SOURCE, 0.5, compiled)
    assert plan.all_intents is not None
    assert plan.all_intents.days[2] == pytest.approx(13_013.44 / 300_000)


def test_one_rate_for_all_takes_the_place_of_the_policy_s(compiled: CompiledPolicy) -> None:
    """One column of days, at that rate, and no stages."""
    plan = plan_samples(SOURCE, 0.5, compiled, rate_everywhere=0.2)
    assert plan.stages == ()
    assert {row.rates for row in plan.intents} == {(0.2,)}


@pytest.mark.parametrize(
    ("question", "share", "named"),
    [
        (Question(0.78, 0.0), 0.5, "mde"),
        (Question(0.78, 0.3), 0.5, "mde"),
        (Question(0.78, -0.02, margin=0.01, sides=1), 0.5, "margin"),
        (Question(3.2, -0.2, deviation=0.9, margin=0.1, sides=1), 0.5, "margin"),
        (Question(0.78, 0.02, design_effect=0.5), 0.5, "design_effect"),
        (Question(0.78, 0.02, observed=0.0), 0.5, "observed"),
        (SOURCE, 1.0, "share"),
    ],
)
def test_what_no_sample_shows_is_refused_by_name(
    question: Question, share: float, named: str
) -> None:
    """The error begins with the argument."""
    with pytest.raises(ValueError, match=f"^{named}:"):
        plan_samples(question, share)
