"""Keeps what the emulator's ECS promises: for each service and task set, real processes.

A task set runs ceil(desired x scale) tasks, a service without sets its desired count. What dies is
replaced after a growing pause; what is too many drains first.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend, Service, TaskSet, ecs_backends
from moto.elbv2.models import elbv2_backends

from canary.local.clock import ENVIRONMENT_NAME, Clock
from canary.local.ecs_revisions import Revision, Revisions
from canary.local.ecs_task import Blueprint, Task, TaskStatus
from canary.local.emulator import ACCOUNT, Emulator
from canary.local.lasting import LastingThread
from canary.local.processes import Processes
from canary.local.targets import Targets
from canary.local.task_metadata import TaskMetadata

__all__ = ["Counts", "TaskScheduler", "desired_count", "first_revision"]

_PASS_SECONDS = 0.1
_BACK_OFF_SECONDS = 0.5
_MAX_BACK_OFF_SECONDS = 8.0
_KEPT_STOPPED = 50
_HEALTH_PATH = "/healthz"


@dataclass(frozen=True)
class Counts:
    """How many tasks a group wants and has."""

    desired: int
    pending: int
    running: int
    stopping: int

    @property
    def steady(self) -> bool:
        """Whether the group has exactly the serving tasks it wants."""
        return self.running == self.desired and not self.pending and not self.stopping


@dataclass(frozen=True)
class _Group:
    key: str
    service: Service
    desired: int
    task_definition: str
    load_balancers: list[dict[str, Any]]
    external_id: str


class TaskScheduler:
    """Starts and stops the tasks of one region, and answers for them in the ECS API."""

    def __init__(  # noqa: PLR0917 - the parts it joins
        self,
        emulator: Emulator,
        processes: Processes,
        clock: Clock,
        targets: Targets,
        checkout: Path,
        on_line: Callable[[str, str], None],
        overrides: Mapping[str, str],
    ) -> None:
        self._emulator = emulator
        self._processes = processes
        self._clock = clock
        self._targets = targets
        self._checkout = checkout
        self._on_line = on_line
        self._overrides = overrides
        self.revisions = Revisions()
        self._metadata = TaskMetadata()
        self._tasks: list[Task] = []
        self._lock = threading.RLock()
        self._killed: set[str] = set()
        self._failures: dict[str, tuple[int, float]] = {}
        self._thread = LastingThread("task-scheduler", self._run)

    def start(self) -> None:
        """Reconcile from now on."""
        self._metadata.start()
        self._thread.start()

    def stop(self) -> None:
        """Start nothing any more; the processes end with the region's others, then `close`."""
        self._thread.end()

    def close(self) -> None:
        """Close the metadata endpoint, once no task is left to ask it."""
        self._metadata.stop()

    def kill_task_set(self, external_id: str) -> None:
        """Kill the set's processes, and whatever replaces them, until `revive_task_set`."""
        self._killed.add(external_id)

    def revive_task_set(self, external_id: str) -> None:
        """Let the set's tasks live again."""
        self._killed.discard(external_id)

    def wait_until_steady(self, seconds: float) -> bool:
        """Whether every group reached its desired count within so many real seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if all(self.counts(group.key, group.desired).steady for group in self._groups()):
                return True
            time.sleep(_PASS_SECONDS)
        return False

    def tasks(self) -> list[Task]:
        """Every task that has not been forgotten, the stopped ones included."""
        with self._lock:
            return list(self._tasks)

    def counts(self, key: str, desired: int) -> Counts:
        """The group's tasks by what they are doing."""
        states = [task.status for task in self.tasks() if task.group == key]
        return Counts(
            desired=desired,
            pending=states.count(TaskStatus.PENDING),
            running=states.count(TaskStatus.RUNNING),
            stopping=states.count(TaskStatus.DEACTIVATING),
        )

    def _run(self) -> None:
        while not self._thread.ending.wait(_PASS_SECONDS):
            groups = {group.key: group for group in self._groups()}
            for group in groups.values():
                self._reconcile(group)
            for task in self.tasks():
                if task.group not in groups:
                    task.stop("its service or task set was deleted")
            self._forget_stopped()

    def _groups(self) -> list[_Group]:
        groups = []
        for service in list(self._backend().services.values()):
            if service.task_sets:
                groups += [
                    _Group(
                        key=each.id,
                        service=service,
                        desired=desired_count(service, each),
                        task_definition=each.task_definition,
                        load_balancers=each.load_balancers,
                        external_id=each.external_id,
                    )
                    for each in service.task_sets
                ]
            elif not _external(service):
                groups += [
                    _Group(
                        key=each.key,
                        service=service,
                        desired=int(service.desired_count or 0),
                        task_definition=each.task_definition,
                        load_balancers=[{"targetGroupArn": each.target_group}]
                        if each.target_group
                        else [],
                        external_id="",
                    )
                    for each in self.revisions.of(service.arn, first_revision(service))
                ]
        return groups

    def _reconcile(self, group: _Group) -> None:
        mine = [task for task in self.tasks() if task.group == group.key]
        if group.external_id in self._killed:
            for task in mine:
                task.kill()
        self._count_failures(group.key, mine)
        alive = [task for task in mine if not task.stopping]
        for task in alive[group.desired :]:
            task.stop("scaled in")
        _, not_before = self._failures.get(group.key, (0, 0.0))
        if time.monotonic() >= not_before:
            for _ in range(group.desired - len(alive)):
                self._start_task(group)

    def _count_failures(self, key: str, tasks: list[Task]) -> None:
        """Several deaths at one time are one failure of the group."""
        dead = [task for task in tasks if task.status is TaskStatus.STOPPED and task.unexpected]
        failures, not_before = self._failures.get(key, (0, 0.0))
        now = time.monotonic()
        if dead:
            pause = min(_MAX_BACK_OFF_SECONDS, _BACK_OFF_SECONDS * 2**failures)
            self._failures[key] = (failures + 1, now + pause)
        elif failures and now > not_before + _MAX_BACK_OFF_SECONDS:
            del self._failures[key]
        for task in dead:
            task.unexpected = False
            self._on_line("", f"task {task.id} stopped: {task.reason}")

    def _start_task(self, group: _Group) -> None:
        service = group.service
        task = Task(
            arn=Task.new_arn(self._emulator.region, ACCOUNT, service.cluster_name),
            group=group.key,
            started_by=group.key if service.task_sets else service.name,
            task_definition=group.task_definition,
        )
        with self._lock:
            self._tasks.append(task)
        blueprint = self._blueprint(group, task)
        task.start(blueprint, self._processes, self._targets, self._checkout, self._on_line)

    def _blueprint(self, group: _Group, task: Task) -> Blueprint:
        definition = self._backend().describe_task_definition(group.task_definition)
        container = self._container(definition.container_definitions)
        environment = {each["name"]: each["value"] for each in container.get("environment") or []}
        for each in container.get("secrets") or []:
            environment[each["name"]] = self.resolve(each["valueFrom"])
        environment |= {k: v for k, v in self._overrides.items() if k in environment}
        metadata = self._metadata.add(
            task.id,
            {
                "TaskARN": task.arn,
                "Cluster": group.service.cluster_arn,
                "Family": definition.family,
                "Revision": str(definition.revision),
                "DesiredStatus": "RUNNING",
            },
        )
        options = (container.get("logConfiguration") or {}).get("options") or {}
        groups = tuple(each["targetGroupArn"] for each in group.load_balancers)
        return Blueprint(
            container=container["name"],
            environment={
                **environment,
                **self._emulator.child_environment("task"),
                ENVIRONMENT_NAME: self._clock.env_value(),
                "ECS_CONTAINER_METADATA_URI_V4": metadata,
                "PYTHONPATH": str(self._checkout),
                "PYTHONUNBUFFERED": "1",
            },
            log_group=options.get("awslogs-group", ""),
            target_groups=groups,
            health_path=self._health_path(groups),
        )

    def _container(self, definitions: list[dict[str, Any]]) -> dict[str, Any]:
        for each in definitions:
            if (self._checkout / "services" / each["name"] / "app.py").exists():
                return each
        names = ", ".join(each["name"] for each in definitions)
        raise ValueError(f"no service of this checkout is called {names}")

    def resolve(self, reference: str) -> str:
        """The value of an ECS secret: a parameter's, or a secret's, with an optional JSON key."""
        if ":secretsmanager:" in reference:
            arn, key = _split_secret(reference)
            client = self._emulator.client("secretsmanager")
            text = str(client.get_secret_value(SecretId=arn)["SecretString"])
            return str(json.loads(text)[key]) if key else text
        name = reference.split(":parameter", 1)[-1]
        client = self._emulator.client("ssm")
        value = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
        return str(value)

    def _health_path(self, groups: tuple[str, ...]) -> str:
        known = elbv2_backends[ACCOUNT][self._emulator.region].target_groups
        for arn in groups:
            if arn in known and known[arn].health_check_path not in (None, "/"):
                return str(known[arn].health_check_path)
        return _HEALTH_PATH

    def _forget_stopped(self) -> None:
        with self._lock:
            stopped = [task for task in self._tasks if task.status is TaskStatus.STOPPED]
            for task in stopped:
                self._metadata.remove(task.id)
            for task in stopped[:-_KEPT_STOPPED]:
                self._tasks.remove(task)

    def _backend(self) -> EC2ContainerServiceBackend:
        return ecs_backends[ACCOUNT][self._emulator.region]


def desired_count(service: Service, task_set: TaskSet) -> int:
    """How many tasks a set wants: its share of the service's desired count, rounded up."""
    share = float(task_set.scale.get("value", 100.0)) / 100.0
    return math.ceil(round(int(service.desired_count or 0) * share, 9))


def first_revision(service: Service) -> Revision:
    """What a service without task sets was created with."""
    balancers = service.load_balancers or []
    group = balancers[0]["targetGroupArn"] if balancers else ""
    return Revision(service.arn, str(service.task_definition), group)


def _external(service: Service) -> bool:
    controller = service.deployment_controller or {}
    return bool(controller.get("type") == "EXTERNAL")


def _split_secret(reference: str) -> tuple[str, str]:
    parts = reference.split(":")
    return ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""  # noqa: PLR2004 - an ARN's parts
