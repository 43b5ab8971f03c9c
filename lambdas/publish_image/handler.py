"""Custom resource: publish the newest task definition, so that the pipeline deploys it."""

from __future__ import annotations

from typing import Any

from canary.aws.clients import client
from canary.aws.release_archive import app_spec, release_archive
from canary.aws.task_definitions import TaskDefinitions

DEFINITIONS = TaskDefinitions(client("ecs"))
S3 = client("s3")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Write `Bucket`/`Key`; a deletion of the stack leaves what was written."""
    wanted: dict[str, Any] = event["ResourceProperties"]
    if event["RequestType"] != "Delete":
        definition = DEFINITIONS.registrable(wanted["TaskDefinition"])
        spec = app_spec(
            container=wanted["Container"], port=int(wanted["Port"]), hook=wanted["Hook"]
        )
        archive = release_archive(definition, spec)
        S3.put_object(Bucket=wanted["Bucket"], Key=wanted["Key"], Body=archive)
    return {"PhysicalResourceId": event.get("PhysicalResourceId", "published-image")}
