"""What a function may do: resources by name, and a reason wherever an API takes none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.event_store import DAYS, EVENTS, RESULTS, EventStore
from stacks.constructs.topics import Topics
from stacks.names import EVENT_DAYS_TABLE, EVENTS_DATABASE, EVENTS_TABLE, PREFIX, WORKGROUP

__all__ = ["Permission", "Permissions", "parameter_arn"]

_ANYTHING = "*"


def parameter_arn(scope: Construct, name: str) -> str:
    """The ARN of parameter `{PREFIX}/{name}` in this region."""
    return cdk.Stack.of(scope).format_arn(
        service="ssm", resource="parameter", resource_name=f"{PREFIX}/{name}".lstrip("/")
    )


@dataclass(frozen=True)
class Permission:
    """One policy statement; `wide` is each wildcard resource, as cdk-nag shows it, and why."""

    statement: iam.PolicyStatement
    wide: tuple[tuple[str, str], ...] = ()


class Permissions:
    """Makes the permissions of the functions of one stack."""

    def __init__(self, scope: Construct) -> None:
        self._scope = scope
        stack = cdk.Stack.of(scope)
        self._place = f"{stack.region}:{stack.account}"
        self._shown_place = f"{stack.region}:<AWS::AccountId>"

    def act(self, action: str, *resources: str) -> Permission:
        """One action on resources named in full."""
        return _permission([action], resources)

    def see(self, action: str) -> Permission:
        """An action that AWS offers without resources."""
        return _permission([action], [_ANYTHING], why=f"{action} knows no resources.")

    def see_alarms(self) -> Permission:
        """Read the states of alarms."""
        action = "cloudwatch:DescribeAlarms"
        why = f"{action} shows composite alarms only when it is not restricted."
        return _permission([action], [_ANYTHING], why=why)

    def read(self, table: dynamodb.ITable) -> Permission:
        """Read items of a table."""
        return self.items(table, "GetItem", "Query")

    def write(self, table: dynamodb.ITable) -> Permission:
        """Read, write and delete items of a table by their keys, in transactions too."""
        return self.items(table, "DeleteItem", "GetItem", "PutItem")

    def items(self, table: dynamodb.ITable, *verbs: str) -> Permission:
        """Do just these with the items of a table."""
        return _permission([f"dynamodb:{verb}" for verb in verbs], [table.table_arn])

    def read_elsewhere(self, table: str, regions: Sequence[str]) -> tuple[Permission, ...]:
        """Read single items of a table of that name in other regions of this account."""
        if not regions:
            return ()
        account = cdk.Stack.of(self._scope).account
        arns = [
            f"arn:{cdk.Aws.PARTITION}:dynamodb:{region}:{account}:table/{table}"
            for region in regions
        ]
        return (_permission(["dynamodb:GetItem"], arns),)

    def parameters(self, action: str, *names: str) -> Permission:
        """`GetParameter` or `PutParameter` on parameters of the product."""
        return _permission([f"ssm:{action}"], [parameter_arn(self._scope, name) for name in names])

    def publish(self, topics: Topics, *, on_call: bool = True) -> tuple[Permission, Permission]:
        """Publish to the ML engineers, and to the person on call unless `on_call` is false."""
        wanted = [topics.ml_engineers, *([topics.on_call] if on_call else [])]
        return (
            _permission(["sns:Publish"], [topic.topic_arn for topic in wanted]),
            _permission(["kms:Decrypt", "kms:GenerateDataKey"], [topics.key.key_arn]),
        )

    def describe_stacks(self, *stacks: str) -> Permission:
        """Read the status of stacks by name."""
        why = "CloudFormation makes up the end of a stack's ARN."
        paths = [f"stack/{name}/*" for name in stacks]
        return Permission(
            iam.PolicyStatement(
                actions=["cloudformation:DescribeStacks"],
                resources=[self._arn("cloudformation", path) for path in paths],
            ),
            tuple(
                (f"arn:<AWS::Partition>:cloudformation:{self._shown_place}:{path}", why)
                for path in paths
            ),
        )

    def put_metrics(self, namespace: str) -> Permission:
        """Publish metrics of one namespace."""
        action = "cloudwatch:PutMetricData"
        return _permission(
            [action],
            [_ANYTHING],
            {"StringEquals": {"cloudwatch:namespace": namespace}},
            why=f"{action} knows no resources; a condition names the namespace.",
        )

    def task_sets(self, cluster: str, service: str, *, scale: bool = False) -> Permission:
        """Read the task sets of one service, and scale them if `scale`."""
        actions = ["ecs:DescribeTaskSets", *(["ecs:UpdateTaskSet"] if scale else [])]
        return self._wide(
            actions,
            "ecs",
            f"task-set/{cluster}/{service}/*",
            "A task set's id is new whenever CloudFormation replaces it.",
            also=[self._arn("ecs", f"service/{cluster}/{service}")],
        )

    def list_tasks(self, cluster: str) -> Permission:
        """List the tasks of one cluster."""
        return _permission(
            ["ecs:ListTasks"],
            [_ANYTHING],
            {"ArnEquals": {"ecs:cluster": self._arn("ecs", f"cluster/{cluster}")}},
            why="ecs:ListTasks knows no resources on Fargate; a condition names the cluster.",
        )

    def stop_executions(self, machine: str) -> Permission:
        """Stop executions of one state machine."""
        return self.executions(machine, "StopExecution")

    def executions(self, machine: str, *verbs: str) -> Permission:
        """Calls on any execution of one state machine."""
        return self._wide(
            [f"states:{verb}" for verb in verbs],
            "states",
            f"execution:{machine}:*",
            "An execution's name is the release's id, which is not known beforehand.",
        )

    def answer_tasks(self, machine: str, *verbs: str) -> Permission:
        """`SendTaskSuccess` or `SendTaskFailure` for tasks of one state machine."""
        return _permission(
            [f"states:{verb}" for verb in verbs], [self._arn("states", f"stateMachine:{machine}")]
        )

    def pipeline(self, name: str, *verbs: str) -> Permission:
        """Calls on one pipeline of CodePipeline."""
        return _permission(
            [f"codepipeline:{verb}" for verb in verbs], [self._arn("codepipeline", name)]
        )

    def write_reports(self, bucket: s3.IBucket, *kinds: str) -> Permission:
        """Write the pages (`html`) that people read before they approve, and their numbers."""
        owner = cdk.Stack.of(bucket)
        shown = owner.resolve(owner.export_value(bucket.bucket_arn))["Fn::ImportValue"]
        names = [f"reports/*.{kind}" for kind in kinds]
        return Permission(
            iam.PolicyStatement(
                actions=["s3:PutObject"],
                resources=[f"{bucket.bucket_arn}/{name}" for name in names],
            ),
            tuple((f"{shown}/{name}", "A report is named after its release.") for name in names),
        )

    def read_looks(self, bucket: s3.IBucket) -> tuple[Permission, Permission]:
        """List and read the looks of releases."""
        owner = cdk.Stack.of(bucket)
        shown = owner.resolve(owner.export_value(bucket.bucket_arn))["Fn::ImportValue"]
        return (
            _permission(["s3:ListBucket"], [bucket.bucket_arn]),
            Permission(
                iam.PolicyStatement(
                    actions=["s3:GetObject"], resources=[f"{bucket.bucket_arn}/looks/*.json.gz"]
                ),
                ((f"{shown}/looks/*.json.gz", "A look is named after its release and moment."),),
            ),
        )

    def write_looks(self, bucket: s3.IBucket) -> Permission:
        """Keep looks with all that they read."""
        owner = cdk.Stack.of(bucket)
        shown = owner.resolve(owner.export_value(bucket.bucket_arn))["Fn::ImportValue"]
        return Permission(
            iam.PolicyStatement(
                actions=["s3:PutObject"], resources=[f"{bucket.bucket_arn}/looks/*.json.gz"]
            ),
            ((f"{shown}/looks/*.json.gz", "A look is named after its release and its moment."),),
        )

    def query(self, store: EventStore) -> tuple[Permission, ...]:
        """Run queries over the events in the product's workgroup."""
        bucket, owner = store.bucket.bucket_arn, cdk.Stack.of(store.bucket)
        shown = owner.resolve(owner.export_value(bucket))["Fn::ImportValue"]
        athena = ("StartQueryExecution", "GetQueryExecution", "GetQueryResults")
        tables = [f"table/{EVENTS_DATABASE}/{name}" for name in (EVENTS_TABLE, EVENT_DAYS_TABLE)]
        return (
            _permission(
                [f"athena:{verb}" for verb in athena],
                [self._arn("athena", f"workgroup/{WORKGROUP}")],
            ),
            _permission(
                ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"],
                [
                    self._arn("glue", path)
                    for path in ("catalog", f"database/{EVENTS_DATABASE}", *tables)
                ],
            ),
            _permission(["s3:GetBucketLocation", "s3:ListBucket"], [bucket]),
            Permission(
                iam.PolicyStatement(
                    actions=["s3:GetObject"],
                    resources=[f"{bucket}/{EVENTS}*", f"{bucket}/{DAYS}*"],
                ),
                (
                    (f"{shown}/{EVENTS}*", "Athena reads every event file of the days asked for."),
                    (f"{shown}/{DAYS}*", "Athena reads every file of the days that are summed up."),
                ),
            ),
            Permission(
                iam.PolicyStatement(
                    actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                    resources=[f"{bucket}/{RESULTS}*"],
                ),
                ((f"{shown}/{RESULTS}*", "Athena names each result by its query's id."),),
            ),
        )

    def sum_up_days(self, store: EventStore) -> Permission:
        """Let a query write the days of a test."""
        bucket, owner = store.bucket.bucket_arn, cdk.Stack.of(store.bucket)
        shown = owner.resolve(owner.export_value(bucket))["Fn::ImportValue"]
        return Permission(
            iam.PolicyStatement(
                actions=["s3:AbortMultipartUpload", "s3:PutObject"],
                resources=[f"{bucket}/{DAYS}*"],
            ),
            ((f"{shown}/{DAYS}*", "Athena names each file of a day by its query's id."),),
        )

    def _arn(self, service: str, path: str) -> str:
        return f"arn:{cdk.Aws.PARTITION}:{service}:{self._place}:{path}"

    def _wide(
        self, actions: list[str], service: str, path: str, why: str, also: Sequence[str] = ()
    ) -> Permission:
        shown = f"arn:<AWS::Partition>:{service}:{self._shown_place}:{path}"
        statement = iam.PolicyStatement(
            actions=actions, resources=[*also, self._arn(service, path)]
        )
        return Permission(statement, ((shown, why),))


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
    return Permission(statement, ((_ANYTHING, why),) if why else ())
