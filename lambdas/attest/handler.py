"""Let the release go on only when every task of a set has said which model it loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws.clients import client
from canary.aws.faults import NotReady, Revoked
from canary.aws.records import Releases
from canary.aws.settings import from_environment
from canary.aws.task_sets import Service, TaskSets


@dataclass(frozen=True)
class Settings:
    """Where the records are."""

    releases_table: str


SETTINGS = from_environment(Settings)
RELEASES = Releases(client("dynamodb"), SETTINGS.releases_table)
TASK_SETS = TaskSets(client("ecs"), from_environment(Service))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Check the set. Raises `NotReady` until all its tasks attested, `Revoked` if it is too late.

    An attestation counts when it names the wanted model and is younger than the scale cycle.
    """
    state = RELEASES.load(event["release_id"])
    if state is None or state.revoked or state.terminal:
        raise Revoked(event["release_id"])
    wanted = state.candidate if event["model"] == "candidate" else state.control
    found = TASK_SETS.find(event["task_set"])
    if not found.steady or found.desired == 0:
        raise NotReady(f"{found.external_id}: {found.running} of {found.desired} tasks run")
    tasks = TASK_SETS.running_tasks(found)
    began = state.cycle_started_at or 0.0
    attested = {
        item.task_arn
        for item in RELEASES.attestations(event["task_set"])
        if item.model_id == wanted and item.started_at >= began
    }
    missing = tasks - attested
    if missing or len(tasks) < found.desired:
        raise NotReady(f"{len(tasks - missing)} of {found.desired} tasks attested {wanted}")
    return {"done": True}
