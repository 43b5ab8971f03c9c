"""Custom resource: refuse a deploy that would touch what a release in flight stands on.

CloudFormation asks before it touches anything that depends on this resource. A digest that was
accepted before is accepted always: so the rollback of a refused deploy passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws.clients import client
from canary.aws.deploys import Deploys
from canary.aws.records import Releases
from canary.aws.settings import from_environment


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str


class DeployRefusedError(Exception):
    """A release is active, and the deploy would change what it stands on."""


SETTINGS = from_environment(Settings)
DATABASE = client("dynamodb")
RELEASES = Releases(DATABASE, SETTINGS.releases_table)
DEPLOYS = Deploys(DATABASE, SETTINGS.releases_table)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Accept `ResourceProperties.Digest` for `ResourceProperties.Stack`, or raise."""
    stack = event["ResourceProperties"]["Stack"]
    digest = event["ResourceProperties"]["Digest"]
    identity = event.get("PhysicalResourceId", f"deploy-guard-{stack}")
    if event["RequestType"] != "Delete" and digest != DEPLOYS.accepted(stack):
        lock = RELEASES.lock()
        if lock is not None:
            raise DeployRefusedError(
                f"release {lock.release_id} is active, and this deploy changes what it stands on "
                f"in {stack}. Wait for its end or take it off (`canary status`, `canary rollback`)."
            )
        DEPLOYS.accept(stack, digest)
    return {"PhysicalResourceId": identity}
