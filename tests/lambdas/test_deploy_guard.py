"""The deploy guard: what it lets through, and what a release in flight keeps out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from canary.release.model import Phase


def deploy(region: Any, digest: str, request: str = "Update") -> Any:
    event = {
        "RequestType": request,
        "PhysicalResourceId": "deploy-guard-mangaassist-gateway",
        "ResourceProperties": {"Stack": "mangaassist-gateway", "Digest": digest},
    }
    return region.load("deploy_guard").handler(event, None)


def test_without_a_release_every_deploy_is_accepted(region: Any) -> None:
    """The physical id stays, so that an accepted change replaces nothing."""
    for digest in ("a", "b"):
        answer = deploy(region, digest)
        assert answer["PhysicalResourceId"] == "deploy-guard-mangaassist-gateway"


def test_a_release_refuses_a_change_and_is_named(region: Any) -> None:
    """Also a first deploy: nothing was accepted yet."""
    region.release()
    for request in ("Update", "Create"):
        with pytest.raises(Exception, match="release r-1 is active"):
            deploy(region, "b", request)


def test_what_was_accepted_last_is_accepted_again(region: Any) -> None:
    """CloudFormation's rollback of a refused deploy asks for the old digest."""
    deploy(region, "a")
    deploy(region, "b")
    region.release()
    deploy(region, "b")
    with pytest.raises(Exception, match="is active"):
        deploy(region, "a")


def test_deleting_the_stack_passes_and_a_finished_release_refuses_nothing(region: Any) -> None:
    """Only a lock that is held stands in the way."""
    held = region.release()
    deploy(region, "b", "Delete")
    region.releases.save(held, replace(held, phase=Phase.PROMOTED))
    deploy(region, "b")
