"""The tags of every resource: what it belongs to, never when or from what it was made."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import IConstruct

__all__ = ["TAGS", "tag"]

TAGS = {"application": "mangaassist", "component": "canary"}
"""The same at each deploy: a tag that changes is a change of everything that carries it."""

_UNTAGGED = [
    "aws:cdk:stack",
    "AWS::ECS::Service",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
]


def tag(scope: IConstruct) -> None:
    """Tag what `scope` contains, except what carries a release's weights, and services.

    Whether a change of tags alone sends a rule's actions again is not documented, and the actions
    of a template are not those of a release in flight. Stacks are left out because CloudFormation
    passes a stack's tags on to every resource in it, the rules too. A service under CODE_DEPLOY
    takes no update at all.
    """
    for name, value in TAGS.items():
        cdk.Tags.of(scope).add(name, value, exclude_resource_types=_UNTAGGED)
