"""Waiting for new task sets, with the sets' counts as ECS would answer them."""

from __future__ import annotations

from typing import Any

import pytest


def task_set(identity: str, running: int, *, stable: bool = True) -> dict[str, Any]:
    return {
        "id": identity,
        "externalId": "primary",
        "computedDesiredCount": 3,
        "runningCount": running,
        "pendingCount": 3 - running,
        "stabilityStatus": "STEADY_STATE" if stable else "STABILIZING",
    }


class Ecs:
    """Answers one state of the sets after another, and the last for ever.

    It stands for ECS, which no emulator here lets fail on demand; the real sequence is in
    tests/local/serving/test_updates.py.
    """

    def __init__(self, *states: list[dict[str, Any]]) -> None:
        self.states = list(states)
        self.asked: list[list[str]] = []

    def describe_task_sets(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request["taskSets"])
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"taskSets": state}


def wait(region: Any, ecs: Ecs, request: str = "Update") -> Any:
    module = region.load("steady_state")
    module.TASK_SETS = type(module.TASK_SETS)(ecs, module.Service("mangaassist", "gateway"))
    event = {"RequestType": request, "ResourceProperties": {"TaskSets": ["new"]}}
    return module.handler(event, None)


def test_it_answers_when_the_new_set_carries_itself(region: Any) -> None:
    """Neither before all tasks run, nor while ECS still calls the set unstable."""
    ecs = Ecs([task_set("new", 1)], [task_set("new", 3, stable=False)], [task_set("new", 3)])
    wait(region, ecs)
    assert ecs.asked == [["new"]] * 3


def test_a_set_that_never_settles_fails_the_deploy_and_is_named(region: Any) -> None:
    """CloudFormation then keeps the old sets."""
    with pytest.raises(Exception, match=r"primary \(new\): 1 of 3 tasks run"):
        wait(region, Ecs([task_set("new", 1)]))


def test_a_set_that_is_gone_fails_the_deploy(region: Any) -> None:
    """Nothing may be deleted on the word of a set that does not exist."""
    with pytest.raises(LookupError, match="no task set new"):
        wait(region, Ecs([]))


def test_deletion_waits_for_nothing(region: Any) -> None:
    """The sets may be gone already."""
    ecs = Ecs([])
    wait(region, ecs, "Delete")
    assert ecs.asked == []
