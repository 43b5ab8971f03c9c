"""Custom resource: wait until new task sets carry themselves, before the old ones go.

ECS answers CreateTaskSet at once, and CloudFormation deletes what was replaced at the end of an
update: without this wait a new image would be an outage.
"""

from __future__ import annotations

from typing import Any

from canary.aws import clock
from canary.aws.clients import client
from canary.aws.settings import from_environment
from canary.aws.task_sets import Service, TaskSets

POLL_SECONDS = 10.0
PATIENCE_SECONDS = 780.0
"""Less than the function's own time-out, so that the answer names the set that did not settle."""

TASK_SETS = TaskSets(client("ecs"), from_environment(Service))


class NotSteadyError(Exception):
    """A task set did not reach STEADY_STATE in time."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Wait for every set of `ResourceProperties.TaskSets` (ids). Raises `NotSteadyError`."""
    identity = {"PhysicalResourceId": event.get("PhysicalResourceId", "steady-task-sets")}
    if event["RequestType"] == "Delete":
        return identity
    wanted: list[str] = event["ResourceProperties"]["TaskSets"]
    deadline = clock.monotonic() + PATIENCE_SECONDS
    while waiting := [found for found in TASK_SETS.named(wanted) if not found.steady]:
        if clock.monotonic() > deadline:
            raise NotSteadyError(
                "; ".join(
                    f"{each.external_id} ({each.id}): {each.running} of {each.desired} tasks run"
                    for each in waiting
                )
            )
        clock.sleep(POLL_SECONDS)
    return identity
