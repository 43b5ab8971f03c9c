"""An explanation holds every gate, and nothing that JSON lacks."""

from __future__ import annotations

import json

import pytest

from canary.planning.explain import explain_policy
from canary.policy.compiled import CompiledPolicy


def test_every_gate_of_the_policy_is_explained_or_said_to_be_unplanned(
    compiled: CompiledPolicy,
) -> None:
    """In the policy's order, at both durations of its stage."""
    explanation = explain_policy(compiled, 0.02)
    assert [(each.metric, each.stage, each.scope) for each in explanation.gates] == [
        (gate.metric, gate.stage, gate.scope) for gate in compiled.gates
    ]
    for each in explanation.gates:
        stage = compiled.stages[each.stage]
        assert each.at_minimum.seconds == stage.min_seconds
        assert each.at_maximum.seconds == stage.max_seconds
        assert each.planned is (each.at_maximum.passes is not None)
    unplanned = {each.metric for each in explanation.gates if not each.planned}
    assert unplanned == {"fallback", "safety", "product_names", "language"}


def test_the_weakest_part_is_the_one_with_the_least_traffic(compiled: CompiledPolicy) -> None:
    """By intent escalation, of those to be proved checkout help."""
    explanation = explain_policy(compiled, 0.02)
    assert {each.part for each in explanation.weakest} == {"escalation"}
    proved = next(each for each in explanation.gates if each.scope == "revenue_critical")
    assert proved.at_maximum.weakest is not None
    assert proved.at_maximum.weakest.part == "checkout_help"


def test_more_time_never_resolves_less(compiled: CompiledPolicy) -> None:
    """A longer stage fails smaller harms and lets identical candidates pass more often."""
    for gate in explain_policy(compiled, 0.02).gates:
        for early, late in zip(gate.at_minimum.parts, gate.at_maximum.parts, strict=True):
            assert late.passes >= early.passes
            if gate.kind == "must_not_fail" and early.refuses is not None:
                assert late.refuses is not None
                assert late.refuses <= early.refuses


def test_an_explanation_is_plain_json(japan: CompiledPolicy) -> None:
    """No infinity and no NaN, with the bottleneck by name."""
    document = json.loads(json.dumps(explain_policy(japan, 0.02).as_json(), allow_nan=False))
    assert document["region"] == "ap-northeast-1"
    assert document["test"]["bottleneck"] == "escalation"
    assert [change["stage"] for change in document["stage_changes"]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("target", "design_effect", "named"), [(0.0, 1.0, "target"), (0.02, 0.9, "design_effect")]
)
def test_impossible_plans_are_refused_by_name(
    compiled: CompiledPolicy, target: float, design_effect: float, named: str
) -> None:
    """No improvement to find, or less than a customer a conversation."""
    with pytest.raises(ValueError, match=f"^{named}:"):
        explain_policy(compiled, target, design_effect=design_effect)
