"""Template values as a reader says them: references by the name of what they refer to."""

from __future__ import annotations

import re
from typing import Any

from canary.review.assembly import Region, Stack

__all__ = ["Names", "counted", "kind_words"]

_NAMING = (
    "FunctionName",
    "TableName",
    "TopicName",
    "QueueName",
    "BucketName",
    "LogGroupName",
    "StateMachineName",
    "AlarmName",
    "ServiceName",
    "ClusterName",
    "RepositoryName",
    "DeliveryStreamName",
    "DashboardName",
    "ReplicationGroupId",
    "WorkGroup",
    "ExternalId",
    "Name",
)
"""Properties that give a resource its physical name, the most telling first."""

_NOT_NAMES = {"AWS::Lambda::Alias", "AWS::Glue::Table"}
"""Types whose name alone says nothing: an alias is called `live` everywhere."""

_ASSET = re.compile(r"[0-9a-f]{64}")
"""An asset's digest: another one with every change, and the asset manifest's to say."""
_PLACE = re.compile(r"\$\{([^}]+)\}")
_HASH = re.compile(r"[0-9A-F]{8}$")
_KINDS = {
    "AWS::DynamoDB::Table": "table",
    "AWS::DynamoDB::GlobalTable": "table",
    "AWS::ElasticLoadBalancingV2::ListenerRule": "rule",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "target group",
    "AWS::ElasticLoadBalancingV2::Listener": "listener",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "load balancer",
    "AWS::KMS::Key": "key",
    "AWS::Lambda::Alias": "function",
    "AWS::Lambda::Function": "function",
    "AWS::Lambda::Version": "version",
    "AWS::Logs::LogGroup": "log group",
    "AWS::S3::Bucket": "bucket",
    "AWS::SNS::Topic": "topic",
    "AWS::SQS::Queue": "queue",
    "AWS::SecretsManager::Secret": "secret",
    "AWS::StepFunctions::StateMachine": "state machine",
}


def kind_words(kind: str) -> str:
    """A resource type in words: `AWS::ECS::TaskSet` is a "task set"."""
    if kind in _KINDS:
        return _KINDS[kind]
    last = kind.rpartition("::")[2]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", last).lower()


def counted(count: int, kind: str) -> str:
    """So many of a kind: "1 alias", "2 aliases"."""
    if count == 1:
        return f"1 {kind}"
    if kind.endswith("y") and not kind.endswith(("ay", "ey", "oy")):
        return f"{count} {kind[:-1]}ies"
    return f"{count} {kind}{'es' if kind.endswith(('s', 'x', 'ch')) else 's'}"


class Names:
    """Reads the values of one region's templates, across its stacks' exports."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._exports: dict[str, tuple[Stack, Any]] = {}
        for stack in region.stacks:
            for output in stack.template.get("Outputs", {}).values():
                name = output.get("Export", {}).get("Name")
                if isinstance(name, str):
                    self._exports[name] = (stack, output["Value"])

    def label(self, stack: Stack, logical_id: str) -> str:
        """What a person calls a resource: its kind with its physical name, or with its path."""
        resource = stack.resources.get(logical_id)
        if resource is None:
            return f"parameter {logical_id}"
        return f"{kind_words(resource['Type'])} `{self.short(stack, logical_id)}`"

    def short(self, stack: Stack, logical_id: str) -> str:
        """The name alone."""
        resource = stack.resources[logical_id]
        kind, properties = resource["Type"], resource.get("Properties", {})
        if kind in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
            function = self.text(stack, properties["FunctionName"])
            return f"{function}:{properties['Name']}" if "Name" in properties else function
        if kind not in _NOT_NAMES:
            for key in _NAMING:
                if isinstance(properties.get(key), str):
                    return str(properties[key])
        return stack.paths.get(logical_id) or _HASH.sub("", logical_id)

    def text(self, stack: Stack, value: Any) -> str:
        """One string: literal text as it is, each reference by its resource's name."""
        if isinstance(value, str):
            return _ASSET.sub("{asset}", value)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, list):
            return ", ".join(self.text(stack, part) for part in value)
        if not isinstance(value, dict):
            return str(value)
        if (called := self._call(stack, value)) is not None:
            return called
        parts = ", ".join(f"{key}={self.text(stack, part)}" for key, part in sorted(value.items()))
        return f"{{{parts}}}"

    def here(self, arn: str) -> str:
        """An ARN of this region as it would stand in any: `{region}` is the region's own."""
        return arn.replace(f":{self._region.name}:", ":{region}:", 1)

    def target(self, stack: Stack, value: Any) -> tuple[Stack, str] | None:
        """The resource that a value refers to by itself, if it does."""
        match value:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]} if name in stack.resources:
                return stack, name
            case {"Fn::ImportValue": str(imported)} if imported in self._exports:
                return self.target(*self._exports[imported])
        return None

    def _call(self, stack: Stack, value: dict[str, Any]) -> str | None:
        """The answer of an intrinsic function, None when it is none that is known here."""
        found: str | None = None
        match value:
            case {"Ref": str(name)}:
                found = self._reference(stack, name)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                found = self._attribute(stack, name, attribute)
            case {"Fn::ImportValue": imported}:
                name = self.text(stack, imported)
                found = self.text(*self._exports[name]) if name in self._exports else f"<{name}>"
            case {"Fn::Join": [str(separator), list(parts)]}:
                found = separator.join(self.text(stack, part) for part in parts)
            case {"Fn::Select": [index, {"Fn::Split": [str(separator), inner]}]}:
                whole = self.text(stack, inner)
                pieces = whole.split(separator)
                known = int(index) < len(pieces)
                found = pieces[int(index)] if known else f"<part {index} of {whole}>"
            case {"Fn::Sub": str(pattern)}:
                found = _PLACE.sub(lambda match: self._reference(stack, match[1]), pattern)
        return found

    def _reference(self, stack: Stack, name: str) -> str:
        if name in stack.resources:
            return self.short(stack, name)
        pseudo = {
            "AWS::AccountId": "{account}",
            "AWS::Region": self._region.name,
            "AWS::Partition": "aws",
        }
        return pseudo.get(name, f"<{name}>")

    def _attribute(self, stack: Stack, name: str, attribute: str) -> str:
        if name not in stack.resources:
            return f"<{name}.{attribute}>"
        short = self.short(stack, name)
        return short if attribute in ("Arn", "AlarmArn", "Ref") else f"{short}.{attribute}"
