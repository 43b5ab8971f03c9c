"""Change the model of a task set: take its tasks away, load the model, bring tasks back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.clients import client
from canary.aws.faults import Held, NotReady, Revoked
from canary.aws.parameters import Parameters
from canary.aws.performer import Performer
from canary.aws.records import Releases
from canary.aws.settings import from_environment
from canary.aws.task_sets import Service, TaskSets
from canary.aws.traffic import Rules, Traffic
from canary.release.events import CycleStarted
from canary.release.model import Phase, ReleaseState
from canary.routing.weights import ALL_ON_CANARY, ALL_ON_PRIMARY


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    parameter_prefix: str


SETTINGS = from_environment(Settings)
PARAMETERS = Parameters(client("ssm"), SETTINGS.parameter_prefix)
TASK_SETS = TaskSets(client("ecs"), from_environment(Service))
TRAFFIC = Traffic(client("elbv2"), from_environment(Rules))
RELEASES = Releases(client("dynamodb"), SETTINGS.releases_table)
PERFORMER = Performer(RELEASES, PARAMETERS)
MODEL_STEPS = frozenset({"drain", "load"})
IDLE = {"canary": ALL_ON_PRIMARY, "primary": ALL_ON_CANARY}
"""The form in which a set has no traffic."""
MODEL_ID = {"canary": "canary/model-id", "primary": "control/model-id"}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Do one step.

    Raises `NotReady` to be asked again, `Revoked` when the release is over, and `Held` when a model
    would be changed during a hold.
    """
    state = PERFORMER.current(event["release_id"])
    if event["step"] in MODEL_STEPS and state.phase is Phase.HELD:
        raise Held(f"{state.release_id} is held")
    task_set: str = event["task_set"]
    if event["step"] == "load":
        load(state, task_set, event["model"])
        return {"done": True}
    percent = 0 if event["step"] == "drain" else int(event["percent"])
    if percent == 0 and TRAFFIC.read() != IDLE[task_set]:
        raise NotReady(f"{task_set} still has traffic")
    found = TASK_SETS.scale(task_set, percent)
    if not found.steady or (percent > 0 and found.desired == 0):
        raise NotReady(f"{task_set}: {found.running} of {found.desired} tasks run")
    return {"done": True}


def load(state: ReleaseState, task_set: str, model: str) -> None:
    """Write the model the next tasks will read; only for the release that holds the lock."""
    lock = RELEASES.lock()
    if lock is None or lock.release_id != state.release_id:
        raise Revoked(f"{state.release_id} does not hold the lock")
    if TASK_SETS.find(task_set).running:
        raise NotReady(f"{task_set} still runs tasks of the old model")
    PERFORMER.settle(state, CycleStarted(clock.now()))
    PARAMETERS.put(MODEL_ID[task_set], state.candidate if model == "candidate" else state.control)
