"""Seeding parameters once."""

from __future__ import annotations

from typing import Any

NAMES = {"/mangaassist/canary/control/model-id": "template", "/mangaassist/canary/new": "first"}


def test_it_writes_what_is_absent_and_keeps_what_is_there(region: Any) -> None:
    """A deploy never writes an old model back over the one in service."""
    answer = region.load("seed").handler(
        {"RequestType": "Create", "ResourceProperties": {"Parameters": NAMES}}, None
    )
    assert region.parameter("control/model-id") == "model-a"
    assert region.parameter("new") == "first"
    assert answer["Data"]["Written"] == "/mangaassist/canary/new"


def test_deleting_the_stack_leaves_the_values(region: Any) -> None:
    """The parameters outlive the custom resource."""
    answer = region.load("seed").handler(
        {
            "RequestType": "Delete",
            "PhysicalResourceId": "seeded-parameters",
            "ResourceProperties": {"Parameters": NAMES},
        },
        None,
    )
    assert answer["PhysicalResourceId"] == "seeded-parameters"
    assert region.parameter("control/model-id") == "model-a"
