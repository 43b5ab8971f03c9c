"""What a release under way sees of a change."""

from __future__ import annotations

import pytest

from canary.review.changes import Change, Kind
from canary.review.consequences import consequence
from tests.canary.review.templates import resource, stack


def change(kind: Kind, resource_type: str, *, kept: bool = False, **properties: str) -> Change:
    resources = {"It": resource(resource_type, **properties)}
    return Change(kind, stack("S", resources), "It", resource_type, kept=kept)


@pytest.mark.parametrize(
    ("kind", "resource_type", "words"),
    [
        ("replace", "AWS::ECS::TaskSet", "template's scale"),
        ("update", "AWS::ECS::TaskSet", "template's scale"),
        ("update", "AWS::ElasticLoadBalancingV2::ListenerRule", "over the release's"),
        ("replace", "AWS::ElasticLoadBalancingV2::TargetGroup", "traffic to this arm fails"),
        ("replace", "AWS::ElasticLoadBalancingV2::Listener", "every rule on it is replaced"),
        ("delete", "AWS::CloudWatch::Alarm", "without this guardrail"),
        ("may replace", "AWS::DynamoDB::Table", "lost to its functions"),
        ("update", "AWS::StepFunctions::StateMachine", "keeps the definition"),
    ],
)
def test_what_carries_a_release_has_a_consequence(
    kind: Kind, resource_type: str, words: str
) -> None:
    """Task sets, rules, groups, listeners, guardrails, records and the machine each have theirs."""
    assert words in consequence(change(kind, resource_type))


def test_a_function_called_by_its_alias_acts_at_once_and_others_do_not() -> None:
    """Alarms and schedules call aliases, states call versions."""
    by_alias = change("update", "AWS::Lambda::Function", FunctionName="canary-rollback")
    by_version = change("update", "AWS::Lambda::Function", FunctionName="canary-decide")
    assert consequence(by_alias).startswith("acts at once")
    assert consequence(by_version).startswith("none")


@pytest.mark.parametrize(("kept", "words"), [(True, "none"), (False, "fails at its next step")])
def test_a_version_that_goes_takes_the_release_with_it_unless_it_is_kept(
    kept: bool, words: str
) -> None:
    """That is why versions are retained."""
    assert words in consequence(change("delete", "AWS::Lambda::Version", kept=kept))
