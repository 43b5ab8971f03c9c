"""What the reconciler needs so that it can hold the gateway's capacity, and lift that again."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.permissions import Permission

__all__ = ["hold_capacity"]

_SEE = "application-autoscaling:DescribeScalableTargets"
_WHY = "Application Auto Scaling makes up the target's id, and CloudFormation does not tell it."


def hold_capacity(scope: Construct) -> tuple[Permission, ...]:
    """Read scalable targets, and suspend or resume those of ECS services' desired counts."""
    stack = cdk.Stack.of(scope)
    place = f"application-autoscaling:{stack.region}"
    path = "scalable-target/*"
    return (
        Permission(
            iam.PolicyStatement(actions=[_SEE], resources=["*"]),
            (("*", f"{_SEE} knows no resources."),),
        ),
        Permission(
            iam.PolicyStatement(
                actions=["application-autoscaling:RegisterScalableTarget"],
                resources=[f"arn:{cdk.Aws.PARTITION}:{place}:{stack.account}:{path}"],
                conditions={
                    "StringEquals": {
                        "application-autoscaling:service-namespace": "ecs",
                        "application-autoscaling:scalable-dimension": "ecs:service:DesiredCount",
                    }
                },
            ),
            ((f"arn:<AWS::Partition>:{place}:<AWS::AccountId>:{path}", _WHY),),
        ),
    )
