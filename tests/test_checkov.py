"""Findings of checkov: none is accepted without a reason, and no reason outlives its finding."""

from __future__ import annotations

from typing import Any

from scripts.run_checkov import (
    CONFIGURATION,
    Skip,
    judge,
    read_configuration,
    read_failures,
)

QUEUES = Skip("CKV_1", ("AWS::SQS::Queue.Lost*",), "It is encrypted by default.")


def report(*found: tuple[str, str]) -> dict[str, Any]:
    failed = [
        {"check_id": check, "resource": name, "file_path": "/a/b.json", "check_name": "Title"}
        for check, name in found
    ]
    return {"results": {"failed_checks": failed}}


def test_a_finding_with_a_reason_is_reported_and_not_minded() -> None:
    """The line says how often, and why."""
    failures = read_failures([report(("CKV_1", "AWS::SQS::Queue.Lost1")), {}])
    assert judge(failures, (QUEUES,)) == (["accepted CKV_1 x 1: It is encrypted by default."], [])


def test_a_finding_on_another_resource_is_minded() -> None:
    """A reason holds for the resources it names."""
    failures = read_failures(
        report(("CKV_1", "AWS::SQS::Queue.Lost1"), ("CKV_1", "AWS::SQS::Queue.New"))
    )
    _, complaints = judge(failures, (QUEUES,))
    assert complaints == ["CKV_1 b.json: AWS::SQS::Queue.New: Title"]


def test_a_reason_that_nothing_needs_is_minded() -> None:
    """Otherwise it would accept the next resource of that name unseen."""
    _, complaints = judge([], (QUEUES,))
    assert complaints == ["checkov.toml: CKV_1 on AWS::SQS::Queue.Lost* is needed no more"]


def test_each_skip_of_the_configuration_has_a_reason_of_its_own() -> None:
    """A sentence, and one entry a check and resource."""
    _, skips = read_configuration(CONFIGURATION.read_text())
    assert all(len(skip.reason.split()) > 5 and skip.reason.endswith(".") for skip in skips)
    places = [(skip.check, pattern) for skip in skips for pattern in skip.resources]
    assert len(places) == len(set(places))
