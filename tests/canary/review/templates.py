"""Small regions, written by hand."""

from __future__ import annotations

from typing import Any

from canary.review.assembly import Region, Stack
from canary.review.schemas import Creation

Resources = dict[str, dict[str, Any]]

SCHEMAS = {
    "AWS::ECS::TaskDefinition": Creation(only=("Cpu",)),
    "AWS::ECS::TaskSet": Creation(only=("ExternalId", "LoadBalancers", "TaskDefinition")),
    "AWS::ElasticLoadBalancingV2::TargetGroup": Creation(only=("Name", "Port")),
    "AWS::ElasticLoadBalancingV2::ListenerRule": Creation(only=("ListenerArn",)),
    "AWS::DynamoDB::Table": Creation(conditional=("KeySchema",), identity=("TableName",)),
    "AWS::Logs::LogGroup": Creation(only=("LogGroupName",), identity=("LogGroupName",)),
    "AWS::S3::Bucket": Creation(only=("BucketName", "Rules/*/Id"), identity=("BucketName",)),
}


def schemas(kind: str) -> Creation:
    return SCHEMAS.get(kind, Creation())


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def stack(name: str, resources: Resources, **exports: Any) -> Stack:
    outputs = {
        key: {"Value": value, "Export": {"Name": f"{name}:{key}"}} for key, value in exports.items()
    }
    return Stack(name, f"shop-{name.lower()}", {"Resources": resources, "Outputs": outputs})


def region(*stacks: Stack, name: str = "us-east-1") -> Region:
    return Region(name, stacks)
