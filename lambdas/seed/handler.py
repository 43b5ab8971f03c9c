"""Custom resource: write parameters that do not exist yet, and never touch them again."""

from __future__ import annotations

from typing import Any

from canary.aws.clients import client
from canary.aws.parameters import Parameters

PARAMETERS = Parameters(client("ssm"), "")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Seed `ResourceProperties.Parameters`; a deletion of the stack leaves the values alone."""
    written: list[str] = []
    if event["RequestType"] != "Delete":
        wanted: dict[str, str] = event["ResourceProperties"]["Parameters"]
        written = [name for name, value in wanted.items() if PARAMETERS.seed(name, value)]
    return {
        "PhysicalResourceId": event.get("PhysicalResourceId", "seeded-parameters"),
        "Data": {"Written": ",".join(sorted(written))},
    }
