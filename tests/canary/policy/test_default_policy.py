"""The policy that is shipped says what the product promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy, Gate
from canary.policy.model import Policy
from canary.policy.planning import hopeless_gates
from canary.policy.validation import validate_policy
from canary.routing.rates import asked_share, rate
from tests.canary.policy.conftest import POLICY_FILE

HOUR, DAY = 3_600, 86_400


def gate(policy: CompiledPolicy, metric: str, stage: int, unit: str, scope: str) -> Gate:
    return next(
        each
        for each in policy.gates
        if (each.metric, each.stage, each.unit, each.scope) == (metric, stage, unit, scope)
    )


def test_the_shipped_file_is_valid() -> None:
    """The default policy loads without a problem."""
    assert load_policy(Path(POLICY_FILE)).name == "mangaassist"


def test_stages_and_durations(compiled: CompiledPolicy) -> None:
    """Traffic goes 0, 5, 25, 50, 100% with the minimum and maximum durations of each stage."""
    assert [stage.rate for stage in compiled.stages] == [0, 0.05, 0.25, 0.5, 1]
    assert [stage.min_seconds for stage in compiled.stages] == [
        0,
        4 * HOUR,
        24 * HOUR,
        48 * HOUR,
        0,
    ]
    assert [stage.max_seconds for stage in compiled.stages] == [0, DAY, 4 * DAY, 28 * DAY, 0]


def test_five_percent_asks_for_nine_and_a_half(compiled: CompiledPolicy) -> None:
    """Rate tiers make the share asked for at "5%" 9.5% of all new customers."""
    assert asked_share(compiled, 1) == pytest.approx(0.095, abs=1e-12)
    assert rate(compiled, 1, "escalation") == 0.25
    assert rate(compiled, 1, "recommendation") == 0.05


def test_intents_and_weights(compiled: CompiledPolicy) -> None:
    """Volumes, revenue-critical intents and weights are those of the store; weights sum to 1."""
    critical = {intent.name for intent in compiled.intents if intent.revenue_critical}
    assert critical == {"recommendation", "product_discovery", "product_question", "checkout_help"}
    assert sum(intent.daily_volume for intent in compiled.intents) == pytest.approx(300_000)
    assert sum(intent.weight for intent in compiled.intents) == pytest.approx(1)
    assert compiled.intent("checkout_help").weight == 0.20
    others = [compiled.intent(name) for name in ("faq", "chitchat")]
    assert others[0].weight / others[1].weight == pytest.approx(45 / 9)
    assert all(
        intent.experiment_tier == 1 for intent in compiled.intents if intent.revenue_critical
    )


def test_triggers(compiled: CompiledPolicy) -> None:
    """Each trigger has its threshold, windows, consequence and escalation."""
    said = {
        each.name: (
            each.statistic,
            each.unit,
            each.threshold,
            each.windows_seconds,
            each.on_breach,
            each.escalate_after_seconds,
        )
        for each in compiled.triggers
    }
    fast = (60, 300, 1800)
    assert said == {
        "error": ("rate", "level", 0.02, fast, "rollback", None),
        "slow": ("rate", "level", 0.01, fast, "rollback", None),
        "throttled": ("rate", "level", 0.05, fast, "rollback", None),
        "hallucination": ("rate", "level", 0.03, (300, 1800), "pause", 1800),
        "hallucination-harm": ("harm", "points", 0.01, (4 * HOUR,), "pause", 1800),
        "safety": ("harm", "points", 0.005, (4 * HOUR,), "pause", None),
        "cart": ("harm", "points", 0.02, (24 * HOUR,), "pause", None),
        "csat": ("harm", "relative", 0.10, (4 * HOUR,), "pause", 8 * HOUR),
        "completion": ("harm", "points", 0.05, (6 * HOUR,), "pause", 12 * HOUR),
    }
    rates = {(e.min_events, e.z, e.ratio_to_control): e.name for e in reversed(compiled.triggers)}
    assert rates == {(5, 3.09, 2.0): "error", (8, 4.0, 2.0): "hallucination"}


@pytest.mark.parametrize(
    ("metric", "stage", "unit", "scope", "kind", "limit"),
    [
        ("error", 1, "level", "overall", "must_pass", 0.005),
        ("error", 1, "points", "overall", "must_pass", 0.0025),
        ("p99", 1, "level", "overall", "must_pass", 5000),
        ("p99", 1, "relative", "overall", "must_pass", 0.10),
        ("hallucination", 2, "points", "overall", "must_pass", 0.01),
        ("safety", 2, "points", "overall", "must_pass", 0.005),
        ("cart", 2, "points", "overall", "must_pass", 0.02),
        ("csat", 2, "relative", "overall", "must_pass", -0.01),
        ("completion", 2, "points", "revenue_critical", "must_pass", -0.05),
        ("completion", 3, "points", "intent", "must_not_fail", -0.05),
        ("fallback", 2, "points", "overall", "must_not_fail", 0.0025),
        ("survey_response", 2, "relative", "overall", "must_not_fail", -0.05),
        ("product_names", 2, "level", "overall", "must_not_fail", 0.95),
        ("product_names", 3, "level", "overall", "must_pass", 0.95),
    ],
)
def test_gates(  # noqa: PLR0917 - one row of the table
    compiled: CompiledPolicy,
    metric: str,
    stage: int,
    unit: str,
    scope: str,
    kind: str,
    limit: float,
) -> None:
    """Each gate between stages has its kind and limit."""
    found = gate(compiled, metric, stage, unit, scope)
    assert (found.kind, found.limit) == (kind, limit)


def test_nothing_has_to_be_proved_intent_by_intent(compiled: CompiledPolicy) -> None:
    """Gates by intent and by tier are of the kind that only a proved loss fails."""
    kinds = {each.kind for each in compiled.gates if each.scope in ("intent", "tier")}
    assert kinds == {"must_not_fail"}


def test_japan_has_its_own_criteria(policy: Policy) -> None:
    """The second wave asks for exact names, honorifics and preserved titles; the first does not."""
    us = compile_policy(policy, "us-east-1")
    japan = compile_policy(policy, "ap-northeast-1")
    assert (us.wave, japan.wave) == (1, 2)
    assert gate(japan, "product_names", 3, "level", "overall").limit == 0.99
    assert gate(japan, "honorifics", 3, "level", "overall").limit == 0.98
    assert gate(japan, "name_preservation", 3, "level", "overall").kind == "must_pass"
    assert {each.metric for each in japan.offline_gates} > {
        each.metric for each in us.offline_gates
    }
    own = {each.name for each in japan.metrics} - {each.name for each in us.metrics}
    assert own == {"honorifics", "name_preservation", "domain_accuracy"}


def test_statistics(compiled: CompiledPolicy) -> None:
    """Looks, alphas and waits are those of the decision rules."""
    statistics = compiled.statistics
    assert statistics.looks_seconds == (2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY)
    assert statistics.test_seconds == 14 * DAY
    assert (statistics.harm_alpha_overall, statistics.harm_alpha_revenue) == (0.0025, 0.0025)
    assert (statistics.harm_min_outcomes, statistics.gate_confidence) == (100, 0.95)
    assert (statistics.intent_alpha, statistics.srm_alpha) == (0.01, 0.0005)
    assert (statistics.bake_poll_seconds, statistics.silence_seconds) == (1800, 300)
    assert (statistics.shared_lift_seconds, statistics.shared_rollback_seconds) == (600, 600)
    assert compiled.promotion.approval_seconds == 7 * DAY


def test_no_region_has_a_hopeless_gate(policy: Policy) -> None:
    """A candidate just like the control can pass every gate of every region in time."""
    for region in policy.regions:
        assert list(hopeless_gates(compile_policy(policy, region.name))) == []


def test_low_risk_intents_have_bandits(compiled: CompiledPolicy) -> None:
    """Tier 2 learns by Thompson sampling, tier 3 by LinUCB; one arm of each is today's answer."""
    bandits = compiled.bandits
    kinds = {each.intent: each.kind for each in bandits.intents}
    assert kinds == {
        "faq": "thompson",
        "promotion": "thompson",
        "chitchat": "thompson",
        "order_tracking": "linucb",
    }
    assert (bandits.exploration, bandits.quality_floor) == (0.10, 0.80)
    assert bandits.reward_window_seconds == compiled.metric("completion").outcome_window_seconds
    assert all(each.prompts["as-is"] == "" for each in bandits.intents)
    assert CompiledPolicy.from_json(compiled.to_json()) == compiled


def test_a_policy_without_the_table_has_no_bandits(values: dict[str, Any]) -> None:
    """The table is optional, and its absence hides no other problem."""
    del values["bandits"]
    compiled = compile_policy(validate_policy(values), "us-east-1")
    assert compiled.bandits.intents == ()
