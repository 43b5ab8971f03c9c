"""What the role of a function in the VPC needs so that Lambda can connect it, and no more.

Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC": describing
network interfaces works on all resources only; a deletion must name one interface or all of an
account; and the function's own code can be denied what the service needs.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.permissions import Permission

__all__ = ["join_network"]

_SEE = "ec2:DescribeNetworkInterfaces"
_MAKE = ("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface")


def join_network(scope: Construct, function_name: str) -> tuple[Permission, ...]:
    """The permissions of function `function_name`, for the Lambda service alone."""
    stack = cdk.Stack.of(scope)
    place = f"ec2:{stack.region}"
    own = f"arn:{cdk.Aws.PARTITION}:{place}:{stack.account}:*/*"
    shown = f"arn:<AWS::Partition>:{place}:<AWS::AccountId>:*/*"
    function = stack.format_arn(
        service="lambda",
        resource="function",
        resource_name=function_name,
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    return (
        Permission(
            iam.PolicyStatement(actions=[_SEE], resources=["*"]),
            (("*", f"{_SEE} works on all resources only."),),
        ),
        Permission(
            iam.PolicyStatement(actions=list(_MAKE), resources=[own]),
            ((shown, "Lambda makes the interfaces, so that nobody can name them beforehand."),),
        ),
        Permission(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=[_SEE, *_MAKE],
                resources=["*"],
                conditions={"ArnEquals": {"lambda:SourceFunctionArn": function}},
            )
        ),
    )
