"""Changing a model: drain, load, scale, attest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from canary.aws.faults import Held, NotReady, Revoked
from canary.aws.items import to_item
from canary.aws.task_sets import TaskSet, TaskSets
from canary.release.model import Cause, Hold, Phase
from canary.routing.weights import ALL_ON_CANARY, TrafficForm


class Tasks:
    """The two task sets as ECS would tell of them."""

    def __init__(self) -> None:
        self.sets = {
            name: TaskSet(f"ecs-svc/{name}", name, 100.0, 2, 2, 0, stable=True)
            for name in ("primary", "canary")
        }
        self.running = frozenset({"task-1", "task-2"})

    def change(self, name: str, **changes: Any) -> None:
        self.sets[name] = replace(self.sets[name], **changes)

    def scale(self, name: str, percent: int) -> TaskSet:
        self.change(name, percent=float(percent), desired=round(2 * percent / 100))
        return self.sets[name]


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Tasks:
    fake = Tasks()
    monkeypatch.setattr(TaskSets, "find", lambda _self, name: fake.sets[name])
    monkeypatch.setattr(TaskSets, "scale", lambda _self, name, percent: fake.scale(name, percent))
    monkeypatch.setattr(TaskSets, "running_tasks", lambda _self, _found: fake.running)
    return fake


def event(step: str, task_set: str = "canary", **more: Any) -> dict[str, Any]:
    return {"release_id": "r-1", "task_set": task_set, "step": step, "model": "candidate"} | more


def test_a_set_with_traffic_is_not_drained(region: Any, tasks: Tasks) -> None:
    """Its tasks are asked to go only when no rule sends anyone there."""
    region.release(phase=Phase.ADMITTED, stage=0)
    region.shift(TrafficForm(control=0, canary=100, draw=0))
    with pytest.raises(NotReady, match="traffic"):
        region.load("scale_cycle").handler(event("drain"), None)
    assert tasks.sets["canary"].percent == 100


def test_draining_waits_for_the_last_task(region: Any, tasks: Tasks) -> None:
    """Asked again until nothing runs."""
    region.release(phase=Phase.ADMITTED, stage=0)
    handler = region.load("scale_cycle").handler
    with pytest.raises(NotReady):
        handler(event("drain"), None)
    tasks.change("canary", running=0)
    assert handler(event("drain"), None) == {"done": True}


def test_the_primary_is_drained_only_when_all_traffic_is_on_the_canary(
    region: Any, tasks: Tasks
) -> None:
    """In a promotion it is the primary that has no traffic."""
    region.release(phase=Phase.PROMOTING, stage=4, safe_arm="canary")
    tasks.change("primary", running=0)
    handler = region.load("scale_cycle").handler
    with pytest.raises(NotReady):
        handler(event("drain", "primary"), None)
    region.shift(ALL_ON_CANARY)
    assert handler(event("drain", "primary"), None) == {"done": True}


def test_a_model_is_loaded_into_an_empty_set(region: Any, tasks: Tasks) -> None:
    """The parameter the next tasks read is written, and the cycle's start is on record."""
    region.release(phase=Phase.ADMITTED, stage=0)
    handler = region.load("scale_cycle").handler
    with pytest.raises(NotReady):
        handler(event("load"), None)
    assert region.parameter("canary/model-id") == "model-a"
    tasks.change("canary", running=0)
    handler(event("load"), None)
    assert region.parameter("canary/model-id") == "model-b"
    record = region.record()
    assert (record.phase, record.cycle_started_at) == (Phase.PREPARING, region.clock.time)


def test_a_model_is_loaded_only_under_the_lock(region: Any, tasks: Tasks) -> None:
    """A release that lost the lock writes no model."""
    region.release(phase=Phase.ADMITTED, stage=0)
    region.client("dynamodb").delete_item(
        TableName="canary-releases", Key=to_item({"pk": "LOCK#release", "sk": "LOCK"})
    )
    tasks.change("canary", running=0)
    with pytest.raises(Revoked):
        region.load("scale_cycle").handler(event("load"), None)
    assert region.parameter("canary/model-id") == "model-a"


def test_scaling_waits_for_a_steady_set(region: Any, tasks: Tasks) -> None:
    """Pending or missing tasks are not ready."""
    region.release(phase=Phase.PREPARING, stage=0)
    handler = region.load("scale_cycle").handler
    tasks.change("canary", running=1, pending=1)
    with pytest.raises(NotReady):
        handler(event("scale", percent=100), None)
    tasks.change("canary", running=2, pending=0)
    assert handler(event("scale", percent=100), None) == {"done": True}


def attest(region: Any, task: str, model: str, at: float) -> None:
    region.client("dynamodb").put_item(
        TableName="canary-releases",
        Item=to_item(
            {
                "pk": "ATTEST#canary",
                "sk": task,
                "arm": "canary",
                "model_id": model,
                "started_at": at,
            }
        ),
    )


def test_every_running_task_must_attest_the_wanted_model_of_this_cycle(
    region: Any, tasks: Tasks
) -> None:
    """Missing, another model, or older than the cycle: not ready."""
    now = region.clock.time
    region.release(phase=Phase.PREPARING, stage=0, cycle_started_at=now)
    handler = region.load("attest").handler
    wish = {"release_id": "r-1", "task_set": "canary", "model": "candidate"}
    attest(region, "task-1", "model-b", now + 1)
    for model, at in ((None, 0), ("model-a", now + 1), ("model-b", now - 1)):
        if model:
            attest(region, "task-2", model, at)
        with pytest.raises(NotReady, match="1 of 2"):
            handler(wish, None)
    attest(region, "task-2", "model-b", now + 1)
    assert handler(wish, None) == {"done": True}


def test_an_empty_set_attests_nothing(region: Any, tasks: Tasks) -> None:
    """No task is no proof."""
    region.release(phase=Phase.PREPARING, stage=0)
    tasks.change("canary", desired=0, running=0)
    with pytest.raises(NotReady):
        region.load("attest").handler(
            {"release_id": "r-1", "task_set": "canary", "model": "candidate"}, None
        )


def test_a_revoked_release_attests_and_scales_nothing(region: Any, tasks: Tasks) -> None:
    """It has lost its rights."""
    region.release(phase=Phase.PREPARING, stage=0, revoked=True)
    with pytest.raises(Revoked):
        region.load("attest").handler(event("x"), None)
    with pytest.raises(Revoked):
        region.load("scale_cycle").handler(event("drain"), None)


@pytest.mark.parametrize("step", ["drain", "load"])
def test_no_model_is_changed_during_a_hold(region: Any, tasks: Tasks, step: str) -> None:
    """Preparation goes on when a person has lifted the hold, not by itself an hour later."""
    hold = Hold(Cause.MACHINERY, (), 1.0, Phase.PREPARING)
    region.release(phase=Phase.HELD, stage=0, hold=hold)
    tasks.change("canary", desired=0, running=0)
    with pytest.raises(Held):
        region.load("scale_cycle").handler(event(step), None)
    assert region.parameter("canary/model-id") == "model-a"
