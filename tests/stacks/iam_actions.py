"""What IAM asks for a call of the SDK: the action, and how the resource is named in a policy.

Where an SDK's method and its action have one name, nothing is listed.
"""

from __future__ import annotations

from tests.stacks.calls import UNKNOWN

__all__ = ["IMPLIED", "KEY_ACTIONS", "RESOURCES", "actions_of", "resources_of"]

_SERVICES = {
    "bedrock-runtime": "bedrock",
    "elbv2": "elasticloadbalancing",
    "sagemaker-runtime": "sagemaker",
    "stepfunctions": "states",
}
"""Prefixes of actions that are not the SDK's name of the service."""

_ACTIONS = {
    ("bedrock-runtime", "converse"): ["bedrock:InvokeModel", "bedrock:ApplyGuardrail"],
    ("bedrock-runtime", "converse_stream"): ["bedrock:InvokeModelWithResponseStream"],
    ("lambda", "invoke"): ["lambda:InvokeFunction"],
    ("s3", "head_object"): ["s3:GetObject"],
    ("s3", "list_objects_v2"): ["s3:ListBucket"],
    ("s3", "upload_file"): ["s3:PutObject"],
}
_TRANSACTED = {
    "Put": "dynamodb:PutItem",
    "Delete": "dynamodb:DeleteItem",
    "Update": "dynamodb:UpdateItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}

_HERE = "{region}:{account}"
RESOURCES = {
    "dynamodb:": ["{TableName}", "{TransactItems}"],
    "ssm:GetParameter": [f"arn:aws:ssm:{_HERE}:parameter{{Name}}"],
    "ssm:PutParameter": [f"arn:aws:ssm:{_HERE}:parameter{{Name}}"],
    "sns:Publish": ["{TopicArn}"],
    "lambda:InvokeFunction": ["{FunctionName}"],
    "cloudformation:DescribeStacks": [f"arn:aws:cloudformation:{_HERE}:stack/{{StackName}}/*"],
    "elasticloadbalancing:ModifyRule": ["{RuleArn}"],
    "s3:GetObject": ["{Bucket}/{Key}"],
    "s3:PutObject": ["{Bucket}/{Key}"],
    "athena:StartQueryExecution": [f"arn:aws:athena:{_HERE}:workgroup/{{WorkGroup}}"],
    "secretsmanager:GetSecretValue": ["{SecretId}"],
    "sagemaker:InvokeEndpoint": [f"arn:aws:sagemaker:{_HERE}:endpoint/{{EndpointName}}"],
    "ecs:UpdateTaskSet": [
        f"arn:aws:ecs:{_HERE}:service/{{cluster}}/{{service}}",
        f"arn:aws:ecs:{_HERE}:task-set/{{cluster}}/{{service}}/*",
    ],
}
"""By action, or by a service's prefix: how a policy names what the call's arguments name."""

IMPLIED = {
    "athena:StartQueryExecution": {
        "glue:GetDatabase",
        "glue:GetPartitions",
        "glue:GetTable",
        "s3:AbortMultipartUpload",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    },
    "bedrock:CreateEvaluationJob": {"iam:PassRole"},
    "sns:Publish": {"kms:Decrypt", "kms:GenerateDataKey"},
}
"""What AWS does in the caller's name: Athena reads tables and files, SNS uses the topic's key,
Bedrock takes the role that it is told."""
KEY_ACTIONS = {
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
}
"""Uses of a key that go with using what it encrypts."""


def actions_of(service: str, method: str, arguments: dict[str, set[str]]) -> list[str]:
    """The actions of one call."""
    if method == "transact_write_items":
        items = arguments.get("TransactItems", set())
        return [action for item, action in _TRANSACTED.items() if item in items]
    if service == "bedrock-runtime" and "guardrailConfig" in arguments:
        return [*_ACTIONS[service, method], "bedrock:ApplyGuardrail"]
    if (service, method) in _ACTIONS:
        return _ACTIONS[service, method]
    name = "".join(part.capitalize() for part in method.split("_"))
    return [f"{_SERVICES.get(service, service)}:{name}"]


def resources_of(action: str, arguments: dict[str, set[str]]) -> set[str]:
    """The resources of one action as a policy names them; a part that only data knows is `{?}`."""
    service = action.partition(":")[0] + ":"
    found: set[str] = set()
    for pattern in RESOURCES.get(action, RESOURCES.get(service, [UNKNOWN])):
        texts = {pattern}
        for name in ("region", "account", *arguments):
            place = f"{{{name}}}"
            if any(place in text for text in texts) and name in arguments:
                values = {each for each in arguments[name] if _names(name, each)} or {UNKNOWN}
                texts = {text.replace(place, value) for text in texts for value in values}
        found |= {text for text in texts if "{TableName}" not in text and "{Trans" not in text}
    return found


def _names(argument: str, value: str) -> bool:
    """Within a transaction, the tables are those texts that come from the environment."""
    return argument != "TransactItems" or value.startswith("${")
