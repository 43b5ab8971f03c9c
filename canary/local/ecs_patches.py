"""Lets the emulator's ECS API tell which tasks really run, one patch a function."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend, TaskSet

from canary.local.ecs import TaskScheduler, desired_count
from canary.local.ecs_task import Task
from canary.local.patches import Patches

__all__ = ["install"]


def install(patches: Patches, scheduler: TaskScheduler) -> None:
    """Every patch below, before the first request."""
    create_no_imaginary_tasks(patches)
    describe_real_task_sets(patches, scheduler)
    describe_real_services(patches, scheduler)
    list_real_tasks(patches, scheduler)
    stop_real_tasks(patches, scheduler)


def create_no_imaginary_tasks(patches: Patches) -> None:
    """Moto invents RUNNING tasks, one time, when a task set is created."""
    original = EC2ContainerServiceBackend.create_task_set

    def create_task_set(self: EC2ContainerServiceBackend, *arguments: Any, **named: Any) -> TaskSet:
        scale = named.pop("scale", None)
        made = original(self, *arguments, **named)
        made.scale = scale or {"value": 100.0, "unit": "PERCENT"}
        return made

    patches.set(EC2ContainerServiceBackend, "create_task_set", create_task_set)


def describe_real_task_sets(patches: Patches, scheduler: TaskScheduler) -> None:
    """Moto calls every task set steady, has no counts, and finds a set by its full ARN only."""
    describe = EC2ContainerServiceBackend.describe_task_sets

    def describe_task_sets(
        self: EC2ContainerServiceBackend, cluster_str: str, service: str, task_sets: list[str]
    ) -> list[Any]:
        found: list[Any] = describe(self, cluster_str, service, [])
        wanted = set(task_sets or ())
        chosen = [s for s in found if not wanted or {s.id, s.task_set_arn} & wanted]
        owner = self._get_service(cluster_str, service.rsplit("/", maxsplit=1)[-1])
        for each in chosen:
            counts = scheduler.counts(each.id, desired_count(owner, each))
            each.computed_desired_count = counts.desired
            each.pending_count = counts.pending
            each.running_count = counts.running + counts.stopping
            steady = "STEADY_STATE" if counts.steady else "STABILIZING"
            each.stabilityStatus = each.stability_status = steady
        return chosen

    patches.set(EC2ContainerServiceBackend, "describe_task_sets", describe_task_sets)


def describe_real_services(patches: Patches, scheduler: TaskScheduler) -> None:
    """Moto says that no service runs any task."""
    original = EC2ContainerServiceBackend.describe_services

    def describe_services(
        self: EC2ContainerServiceBackend, cluster_str: str, service_names_or_arns: list[str]
    ) -> Any:
        services, failures = original(self, cluster_str, service_names_or_arns)
        for each in services:
            keys = [s.id for s in each.task_sets] or scheduler.revisions.keys(each.arn)
            counts = [scheduler.counts(key, 0) for key in keys]
            each.running_count = sum(count.running + count.stopping for count in counts)
            each.pending_count = sum(count.pending for count in counts)
        return services, failures

    patches.set(EC2ContainerServiceBackend, "describe_services", describe_services)


def list_real_tasks(patches: Patches, scheduler: TaskScheduler) -> None:
    """Moto lists the tasks it invented."""

    def list_tasks(  # noqa: PLR0917 - moto's signature
        self: EC2ContainerServiceBackend,
        cluster_str: str | None = None,
        container_instance: str | None = None,  # noqa: ARG001 - moto's signature
        family: str | None = None,
        started_by: str | None = None,
        service_name: str | None = None,
        desiredStatus: str | None = None,  # noqa: N803 - moto's signature
    ) -> list[SimpleNamespace]:
        stopped = desiredStatus == "STOPPED"
        found = []
        for task in scheduler.tasks():
            described = _described(self, scheduler, task)
            if (
                (task.stopping == stopped)
                and (started_by is None or task.started_by == started_by)
                and (family is None or f"/{family}:" in task.task_definition)
                and (cluster_str is None or f"/{cluster_str.split('/')[-1]}/" in task.arn)
                and (service_name is None or described.group == f"service:{service_name}")
            ):
                found.append(described)
        return found

    def describe_tasks(
        self: EC2ContainerServiceBackend, cluster_str: str, tasks: list[str]
    ) -> list[SimpleNamespace]:
        self._get_cluster(cluster_str)
        wanted = {each.split("/")[-1] for each in tasks}
        return [
            _described(self, scheduler, task) for task in scheduler.tasks() if task.id in wanted
        ]

    patches.set(EC2ContainerServiceBackend, "list_tasks", list_tasks)
    patches.set(EC2ContainerServiceBackend, "describe_tasks", describe_tasks)


def stop_real_tasks(patches: Patches, scheduler: TaskScheduler) -> None:
    """Moto marks a task of its own invention as stopped."""

    def stop_task(
        self: EC2ContainerServiceBackend, cluster_str: str, task_str: str, reason: str
    ) -> SimpleNamespace:
        self._get_cluster(cluster_str)
        wanted = task_str.rsplit("/", maxsplit=1)[-1]
        task = next(each for each in scheduler.tasks() if each.id == wanted)
        task.stop(reason or "StopTask")
        return _described(self, scheduler, task)

    patches.set(EC2ContainerServiceBackend, "stop_task", stop_task)


def _described(
    backend: EC2ContainerServiceBackend, scheduler: TaskScheduler, task: Task
) -> SimpleNamespace:
    owner = next(
        (
            service
            for service in backend.services.values()
            if task.group in scheduler.revisions.keys(service.arn)
            or task.group in {each.id for each in service.task_sets}
        ),
        None,
    )
    return SimpleNamespace(
        task_arn=task.arn,
        cluster_arn=owner.cluster_arn if owner else "",
        task_definition_arn=task.task_definition,
        group=f"service:{owner.name}" if owner else "",
        started_by=task.started_by,
        last_status=str(task.status),
        desired_status="STOPPED" if task.stopping else "RUNNING",
        stopped_reason=task.reason,
        created_at=task.created_at,
        launch_type="FARGATE",
        containers=[],
        attachments=[],
        tags=[],
    )
