"""A policy statement in words; the actions' own names stand beside them, for searching."""

from __future__ import annotations

import re
from collections.abc import Iterable

from canary.review.statements import ITSELF, Statement

__all__ = ["sentence", "spoken_resource", "verbs"]

_WORDS = {
    "athena:GetQueryExecution": "watch queries",
    "athena:GetQueryResults": "read queries' results",
    "athena:StartQueryExecution": "start queries",
    "application-autoscaling:DescribeScalableTargets": "read what scales services",
    "application-autoscaling:RegisterScalableTarget": "hold and lift the scaling of a service",
    "autoscaling:*": "do anything with scaling groups",
    "bedrock:ApplyGuardrail": "apply a guardrail",
    "bedrock:InvokeModel": "call a model",
    "bedrock:InvokeModelWithResponseStream": "call a model, streaming",
    "cloudformation:DescribeStacks": "read stacks' status",
    "cloudwatch:DescribeAlarms": "read alarms' states",
    "cloudwatch:GetMetricData": "read metrics",
    "cloudwatch:PutMetricData": "publish metrics",
    "codepipeline:PutJobFailureResult": "fail a pipeline's job",
    "codepipeline:PutJobSuccessResult": "finish a pipeline's job",
    "codepipeline:StartPipelineExecution": "start a pipeline",
    "dynamodb:ConditionCheckItem": "check items within a transaction",
    "dynamodb:DeleteItem": "delete items",
    "dynamodb:GetItem": "read items",
    "dynamodb:PutItem": "write items",
    "dynamodb:Query": "query items",
    "dynamodb:UpdateItem": "change items",
    "ec2:CreateNetworkInterface": "make network interfaces",
    "ec2:DeleteNetworkInterface": "delete network interfaces",
    "ec2:DescribeNetworkInterfaces": "list network interfaces",
    "ecr:BatchCheckLayerAvailability": "look for image layers",
    "ecr:BatchGetImage": "pull images",
    "ecr:GetAuthorizationToken": "log in to registries",
    "ecr:GetDownloadUrlForLayer": "pull image layers",
    "ecs:DescribeServices": "read services",
    "ecs:DescribeTaskSets": "read task sets",
    "ecs:ListTasks": "list tasks",
    "ecs:UpdateTaskSet": "scale task sets",
    "elasticache:Connect": "connect to a cache",
    "elasticloadbalancing:DescribeRules": "read listener rules",
    "elasticloadbalancing:DescribeTargetHealth": "read targets' health",
    "elasticloadbalancing:ModifyRule": "change listener rules",
    "firehose:PutRecord": "send records",
    "firehose:PutRecordBatch": "send records in batches",
    "glue:GetDatabase": "read a database's definition",
    "glue:GetPartitions": "read a table's partitions",
    "glue:GetTable": "read a table's definition",
    "glue:GetTableVersion": "read a version of a table's definition",
    "glue:GetTableVersions": "read the versions of a table's definition",
    "iam:PassRole": "hand a role to a service",
    "kms:*": "do anything with the key",
    "kms:CreateGrant": "let others use the key",
    "kms:Decrypt": "decrypt",
    "kms:DescribeKey": "read a key's description",
    "kms:Encrypt": "encrypt",
    "kms:GenerateDataKey": "make data keys",
    "kms:GenerateDataKey*": "make data keys",
    "kms:ReEncrypt*": "encrypt anew",
    "lambda:GetFunction": "read a function's configuration and code",
    "lambda:InvokeFunction": "invoke",
    "logs:CreateLogStream": "open log streams",
    "logs:PutLogEvents": "write log lines",
    "s3:*": "do anything with the bucket",
    "s3:AbortMultipartUpload": "abandon uploads",
    "s3:GetBucketAcl": "read a bucket's ACL",
    "s3:GetBucketLocation": "read a bucket's region",
    "s3:GetObject": "read objects",
    "s3:GetObjectVersion": "read versions of objects",
    "s3:ListBucket": "list a bucket",
    "s3:PutObject": "write objects",
    "s3:DeleteObject": "delete objects",
    "sagemaker:InvokeEndpoint": "call a SageMaker endpoint",
    "secretsmanager:DescribeSecret": "read a secret's description",
    "secretsmanager:GetSecretValue": "read a secret",
    "sns:Publish": "publish",
    "sqs:*": "do anything with the queue",
    "sqs:SendMessage": "send messages",
    "ssm:GetParameter": "read a parameter",
    "ssm:GetParameters": "read parameters",
    "ssm:GetParametersByPath": "read the parameters below a path",
    "ssm:PutParameter": "write a parameter",
    "states:SendTaskFailure": "fail a waiting state",
    "states:SendTaskSuccess": "let a waiting state go on",
    "states:StartExecution": "start executions",
    "states:StopExecution": "stop executions",
    "sts:AssumeRole": "take the role",
    "xray:PutTelemetryRecords": "send traces' telemetry",
    "xray:PutTraceSegments": "send traces",
}
_ARN = re.compile(r"^arn:[^:]*:([^:]*):([^:]*):([^:]*):(.+)$", re.DOTALL)


def sentence(statement: Statement) -> str:
    """What a statement gives or denies, in Markdown: actions, resources, conditions."""
    may = "may" if statement.allows else "may **not**"
    what = "anything but " if statement.all_but_actions else ""
    where = _resources(statement.resources)
    when = (
        f", only if {'; '.join(map(_code, statement.conditions))}" if statement.conditions else ""
    )
    if not statement.allows:
        when = when.replace(", only if", ", if", 1)
    who = f"{', '.join(map(_who, statement.principals))} " if statement.principals else ""
    codes = ", ".join(f"`{action}`" for action in statement.actions)
    return f"{who}{may} {what}{verbs(statement.actions)}{where}{when} ({codes})"


def verbs(actions: Iterable[str]) -> str:
    """The actions in words, each once; one without words of its own is said from its name."""
    return ", ".join(dict.fromkeys(_WORDS.get(action) or _from_name(action) for action in actions))


def spoken_resource(resource: str) -> str:
    """A resource without the parts of its ARN that say nothing here."""
    if resource == ITSELF:
        return "itself"
    if resource == "*":
        return "**every resource** (`*`)"
    found = _ARN.match(resource)
    if not found:
        return f"`{resource}`"
    service, region, account, path = found.groups()
    place = "" if account in ("{account}", "") else f" of account {account}"
    other = "" if region in ("{region}", "") else f" in {region}"
    return f"{service} `{path}`{other}{place}"


def _resources(resources: tuple[str, ...]) -> str:
    if not resources:
        return ""
    return f" on {', '.join(sorted(map(spoken_resource, resources)))}"


def _who(principal: str) -> str:
    return "**anyone**" if principal == "*" else f"`{principal}`"


def _code(condition: str) -> str:
    return f"`{condition}`"


def _from_name(action: str) -> str:
    """`logs:ListLogDeliveries` is "list log deliveries (logs)"."""
    service, _, name = action.partition(":")
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    return "do anything" if name in ("*", "") else f"{words} ({service})"
