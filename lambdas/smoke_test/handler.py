"""Deployment hook: let a new image of the API go on to customers only when it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws.clients import client
from canary.aws.deployment_hook import DeploymentHook
from canary.aws.image_under_test import ImageUnderTest
from canary.aws.settings import from_environment


@dataclass(frozen=True)
class Settings:
    """Where the test listener is."""

    test_url: str


IMAGE = ImageUnderTest(from_environment(Settings).test_url)
HOOK = DeploymentHook(client("codedeploy"))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Test the image and answer the deployment.

    What went wrong is raised after the answer: the function's own errors are an alarm too.
    """
    passed = False
    try:
        IMAGE.test(f"smoke-{event['DeploymentId']}")
        passed = True
    finally:
        HOOK.answer(event, passed=passed)
    return {"passed": passed}
