"""A part of the fault matrix on every run; `make fault-matrix` is the whole."""

from __future__ import annotations

import random

import pytest

from tests.lambdas.faults.harness import Kind, region
from tests.lambdas.faults.matrix import Case, calls_of, cases, run
from tests.lambdas.faults.scenes import SCENES, Scene

SEED = 7
SAMPLE = 8
"""Cases of each scene, besides every death of a rollback by an alarm."""


def chosen(scene: Scene) -> list[Case]:
    known = list(cases([scene]))
    picked = random.Random(SEED).sample(known, min(SAMPLE, len(known)))
    if scene.name == "alarm":
        picked += [case for case in known if case.fault.kind is Kind.KILLED]
    return picked


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.function} {scene.name}")
def test_a_broken_call_leaves_traffic_safe_and_no_step_lost(scene: Scene) -> None:
    """After the retries and one look of the reconciler, and the same after a second call."""
    wrong = [each for each in run(chosen(scene)) if each.unsafe or each.lost]
    assert wrong == []


BEFORE_SAFE = {
    "alarm": ["dynamodb:GetItem", "elbv2:ModifyRule", "elbv2:ModifyRule"],
    "operator": ["dynamodb:GetItem", *["elbv2:ModifyRule"] * 3],
}


@pytest.mark.parametrize("name", BEFORE_SAFE)
def test_a_rollback_calls_what_the_design_counts_before_traffic_is_safe(name: str) -> None:
    """One read and two writes; three while a promotion has every rule on the canary."""
    (scene,) = [each for each in SCENES if each.function == "rollback" and each.name == name]
    names = [call.replace("elastic load balancing v2", "elbv2") for call in calls_of(scene)]
    counted = BEFORE_SAFE[name]
    assert [each.lower() for each in names[: len(counted)]] == [each.lower() for each in counted]
    assert "ModifyRule" not in " ".join(names[len(counted) :])


def test_without_the_lock_the_load_balancer_is_asked_once_before_traffic_moves() -> None:
    """A table that does not answer costs one question more, and never a second read."""
    scene = SCENES[0]
    with region(scene.world()) as harness:
        answer, seen = harness.call, []

        def call(service: str, operation: str, given: dict[str, object]) -> dict[str, object]:
            seen.append(operation)
            if seen == ["GetItem"]:
                raise TimeoutError
            return answer(service, operation, given)

        harness.call = call  # type: ignore[method-assign]
        assert harness.run(scene.function, scene.event, tries=1)
    assert seen[:5] == ["GetItem", "DescribeTargetHealth", *["ModifyRule"] * 3]
