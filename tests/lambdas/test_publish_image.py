"""What a deployment of the API's image is told."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
import yaml

HOOK = "arn:aws:lambda:us-east-1:123456789012:function:canary-smoke-test"


@pytest.fixture
def wanted(region: Any) -> dict[str, Any]:
    """The custom resource's properties, for a task definition that is registered."""
    registered = region.client("ecs").register_task_definition(
        family="mangaassist-api",
        containerDefinitions=[{"name": "api", "image": "repository:tag", "memory": 512}],
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="1024",
        memory="2048",
    )
    return {
        "TaskDefinition": registered["taskDefinition"]["taskDefinitionArn"],
        "Container": "api",
        "Port": "8080",
        "Hook": HOOK,
        "Bucket": "policies",
        "Key": "api/release.zip",
    }


def published(region: Any) -> bytes:
    answer = region.client("s3").get_object(Bucket="policies", Key="api/release.zip")
    return bytes(answer["Body"].read())


def publish(region: Any, wanted: dict[str, Any], kind: str = "Create") -> dict[str, Any]:
    handler = region.load("publish_image").handler
    return dict(handler({"RequestType": kind, "ResourceProperties": wanted}, None))


def test_the_task_definition_can_be_registered_as_it_is_published(
    region: Any, wanted: dict[str, Any]
) -> None:
    """ECS's own additions are gone, which it refuses to be given; all else is the template's."""
    publish(region, wanted)
    with zipfile.ZipFile(io.BytesIO(published(region))) as archive:
        definition = json.loads(archive.read("taskdef.json"))
    assert definition["family"] == "mangaassist-api"
    assert not definition.keys() & {"taskDefinitionArn", "revision", "status", "registeredAt"}
    again = region.client("ecs").register_task_definition(**definition)["taskDefinition"]
    assert again["revision"] == 2
    assert again["containerDefinitions"][0]["image"] == "repository:tag"


def test_the_app_spec_names_the_container_and_the_hook(region: Any, wanted: dict[str, Any]) -> None:
    """CodeDeploy reads YAML; the pipeline fills in the revision that it registers."""
    publish(region, wanted)
    with zipfile.ZipFile(io.BytesIO(published(region))) as archive:
        spec = yaml.safe_load(archive.read("appspec.yaml"))
    service = spec["Resources"][0]["TargetService"]
    assert service["Type"] == "AWS::ECS::Service"
    assert service["Properties"] == {
        "TaskDefinition": "<TASK_DEFINITION>",
        "LoadBalancerInfo": {"ContainerName": "api", "ContainerPort": 8080},
    }
    assert spec["Hooks"] == [{"AfterAllowTestTraffic": HOOK}]


def test_the_same_definition_gives_the_same_bytes(region: Any, wanted: dict[str, Any]) -> None:
    """Nothing in the archive tells when it was made."""
    publish(region, wanted)
    first = published(region)
    publish(region, wanted, "Update")
    assert published(region) == first


def test_deleting_the_stack_leaves_what_was_published(region: Any, wanted: dict[str, Any]) -> None:
    """A deletion writes nothing, and keeps the resource's id."""
    answer = region.load("publish_image").handler(
        {"RequestType": "Delete", "PhysicalResourceId": "x", "ResourceProperties": wanted}, None
    )
    assert answer == {"PhysicalResourceId": "x"}
    assert "Contents" not in region.client("s3").list_objects_v2(Bucket="policies", Prefix="api/")
