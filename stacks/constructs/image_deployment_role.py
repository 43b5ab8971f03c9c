"""What CodeDeploy may do to release an image: this service, these two listeners, this one test."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks import names
from stacks.acknowledge import acknowledge
from stacks.constructs.public_entrance import PublicEntrance

__all__ = ["image_deployment_role", "pass_roles"]

_SEE = (
    "cloudwatch:DescribeAlarms",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
)


def image_deployment_role(
    scope: Construct,
    *,
    definition: ecs.FargateTaskDefinition,
    entrance: PublicEntrance,
    smoke_test: lambda_.IFunction,
) -> iam.Role:
    """A role with the actions of AWS's own policy for CodeDeploy on ECS, each on its resources."""
    stack = cdk.Stack.of(scope)
    own_account = {"StringEquals": {"aws:SourceAccount": stack.account}}
    role = iam.Role(
        scope,
        "Role",
        assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com", conditions=own_account),
    )
    place = f"{stack.region}:{stack.account}"
    of_service = f"{names.CLUSTER}/{names.API_SERVICE}"
    service = f"arn:{cdk.Aws.PARTITION}:ecs:{place}:service/{of_service}"
    sets = f"arn:{cdk.Aws.PARTITION}:ecs:{place}:task-set/{of_service}/*"
    for actions, resources in (
        (("ecs:DescribeServices", "ecs:UpdateServicePrimaryTaskSet"), [service]),
        (("ecs:CreateTaskSet", "ecs:DeleteTaskSet"), [service, sets]),
        (
            ("elasticloadbalancing:ModifyListener",),
            [entrance.production.listener_arn, entrance.test.listener_arn],
        ),
        (("lambda:InvokeFunction",), [smoke_test.function_arn]),
        (_SEE, ["*"]),
    ):
        role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=resources))
    role.add_to_policy(pass_roles(definition))
    acknowledge(
        role,
        f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:{stack.region}:"
        f"<AWS::AccountId>:task-set/{of_service}/*]",
        "CodeDeploy makes a task set a deployment, whose id is not known beforehand.",
    )
    acknowledge(
        role,
        "AwsSolutions-IAM5[Resource::*]",
        "cloudwatch:DescribeAlarms shows composite alarms only when it is not restricted; the "
        "Describe actions of load balancers know no resources.",
    )
    return role


def pass_roles(definition: ecs.FargateTaskDefinition) -> iam.PolicyStatement:
    """Permission to give the task definition's two roles to tasks, and to nothing else."""
    execution = definition.obtain_execution_role()
    return iam.PolicyStatement(
        actions=["iam:PassRole"],
        resources=[definition.task_role.role_arn, execution.role_arn],
        conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
    )
