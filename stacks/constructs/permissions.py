"""What a function may do: resources by name, and a reason wherever an API takes none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.event_store import EVENTS, RESULTS, EventStore
from stacks.names import EVENTS_DATABASE, EVENTS_TABLE, PREFIX, WORKGROUP

__all__ = ["Permission", "Permissions", "parameter_arn"]

ANYTHING = "*"


def parameter_arn(scope: Construct, name: str) -> str:
    """The ARN of parameter `{PREFIX}/{name}` in this region."""
    return cdk.Stack.of(scope).format_arn(
        service="ssm", resource="parameter", resource_name=f"{PREFIX}/{name}".lstrip("/")
    )


@dataclass(frozen=True)
class Permission:
    """One policy statement; `wide` maps each resource that ends in a wildcard to its reason."""

    statement: iam.PolicyStatement
    wide: tuple[tuple[str, str], ...] = ()


class Permissions:
    """Makes the permissions of the functions of one stack."""

    def __init__(self, scope: Construct) -> None:
        self._scope = scope
        stack = cdk.Stack.of(scope)
        self._region = stack.region
        self._place = f"{stack.region}:{stack.account}"
        self._shown_place = f"{stack.region}:<AWS::AccountId>"

    def read(self, table: dynamodb.ITable) -> Permission:
        """Read items of a table."""
        return _permission(["dynamodb:GetItem", "dynamodb:Query"], [table.table_arn])

    def write(self, table: dynamodb.ITable) -> Permission:
        """Read and write items of a table, in transactions too."""
        verbs = ("ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
        return _permission([f"dynamodb:{verb}" for verb in verbs], [table.table_arn])

    def parameters(self, action: str, *names: str) -> Permission:
        """`GetParameter` or `PutParameter` on parameters of the product."""
        return _permission([f"ssm:{action}"], [parameter_arn(self._scope, name) for name in names])

    def publish(self, key_arn: str, *topics: sns.ITopic) -> tuple[Permission, Permission]:
        """Publish to topics that are encrypted with one key."""
        return (
            _permission(["sns:Publish"], [topic.topic_arn for topic in topics]),
            _permission(["kms:Decrypt", "kms:GenerateDataKey"], [key_arn]),
        )

    def move_rules(self, rules: Sequence[str]) -> tuple[Permission, Permission]:
        """Change the weights of exactly these listener rules, and read rules back."""
        return (
            _permission(["elasticloadbalancing:ModifyRule"], rules),
            self.see("elasticloadbalancing:DescribeRules"),
        )

    def see(self, action: str) -> Permission:
        """An action that AWS offers without resources."""
        return _permission([action], [ANYTHING], why=f"{action} knows no resources.")

    def see_alarms(self) -> Permission:
        """Read the states of alarms."""
        action = "cloudwatch:DescribeAlarms"
        return _permission(
            [action], [ANYTHING], why=f"{action} shows composites only when unrestricted."
        )

    def put_metrics(self, namespace: str) -> Permission:
        """Publish metrics of one namespace."""
        action = "cloudwatch:PutMetricData"
        return _permission(
            [action],
            [ANYTHING],
            {"StringEquals": {"cloudwatch:namespace": namespace}},
            why=f"{action} knows no resources; a condition names the namespace.",
        )

    def scale_sets(self, cluster: str, service: str) -> Permission:
        """Read and scale the task sets of one service, whatever their ids."""
        path = f"task-set/{cluster}/{service}/*"
        return self._wide(
            ["ecs:DescribeTaskSets", "ecs:UpdateTaskSet"],
            "ecs",
            path,
            "A task set's id is new whenever CloudFormation replaces it.",
            also=[f"arn:{cdk.Aws.PARTITION}:ecs:{self._place}:service/{cluster}/{service}"],
        )

    def see_tasks(self, cluster: str, service: str) -> tuple[Permission, Permission]:
        """Read the task sets of one service, and list the tasks of its cluster."""
        arn = f"arn:{cdk.Aws.PARTITION}:ecs:{self._place}:cluster/{cluster}"
        sets = self._wide(
            ["ecs:DescribeTaskSets"],
            "ecs",
            f"task-set/{cluster}/{service}/*",
            "A task set's id is new whenever CloudFormation replaces it.",
            also=[f"arn:{cdk.Aws.PARTITION}:ecs:{self._place}:service/{cluster}/{service}"],
        )
        tasks = _permission(
            ["ecs:ListTasks"],
            [ANYTHING],
            {"ArnEquals": {"ecs:cluster": arn}},
            why="ecs:ListTasks knows no resources on Fargate; a condition names the cluster.",
        )
        return sets, tasks

    def stop_executions(self, machine: str) -> Permission:
        """Stop executions of one state machine."""
        return self._wide(
            ["states:StopExecution"],
            "states",
            f"execution:{machine}:*",
            "An execution's name is the release's id, which is not known beforehand.",
        )

    def invoke(self, function_arn: str) -> Permission:
        """Invoke one function by its alias."""
        return _permission(["lambda:InvokeFunction"], [function_arn])

    def query(self, store: EventStore) -> tuple[Permission, ...]:
        """Run queries over the events in the product's workgroup."""
        bucket = store.bucket.bucket_arn
        shown = (
            f"<{cdk.Stack.of(store.bucket).get_logical_id(store.bucket.node.default_child)}.Arn>"
        )
        catalog = (
            "catalog",
            f"database/{EVENTS_DATABASE}",
            f"table/{EVENTS_DATABASE}/{EVENTS_TABLE}",
        )
        athena = ("StartQueryExecution", "GetQueryExecution", "GetQueryResults")
        return (
            _permission(
                [f"athena:{verb}" for verb in athena],
                [self._arn("athena", f"workgroup/{WORKGROUP}")],
            ),
            _permission(
                ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"],
                [self._arn("glue", path) for path in catalog],
            ),
            _permission(["s3:GetBucketLocation", "s3:ListBucket"], [bucket]),
            Permission(
                iam.PolicyStatement(actions=["s3:GetObject"], resources=[f"{bucket}/{EVENTS}*"]),
                ((f"{shown}/{EVENTS}*", "Athena reads every event file of the days asked for."),),
            ),
            Permission(
                iam.PolicyStatement(
                    actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
                    resources=[f"{bucket}/{RESULTS}*"],
                ),
                ((f"{shown}/{RESULTS}*", "Athena names each result by the query's id."),),
            ),
        )

    def _arn(self, service: str, path: str) -> str:
        return f"arn:{cdk.Aws.PARTITION}:{service}:{self._place}:{path}"

    def _wide(
        self, actions: list[str], service: str, path: str, why: str, also: Sequence[str] = ()
    ) -> Permission:
        shown = f"arn:<AWS::Partition>:{service}:{self._shown_place}:{path}"
        return Permission(
            iam.PolicyStatement(actions=actions, resources=[*also, self._arn(service, path)]),
            ((shown, why),),
        )


def _permission(
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: dict[str, Any] | None = None,
    *,
    why: str = "",
) -> Permission:
    statement = iam.PolicyStatement(
        actions=list(actions), resources=list(resources), conditions=conditions
    )
    return Permission(statement, ((ANYTHING, why),) if why else ())
