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
from types import SimpleNamespace
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend, Service, TaskSet, ecs_backends
from moto.elbv2.models import elbv2_backends

from canary.local.clock import ENVIRONMENT_NAME, Clock
from canary.local.ecs_task import Blueprint, Task, TaskStatus
from canary.local.emulator import ACCOUNT, Emulator
from canary.local.patches import Patches
from canary.local.processes import Processes
from canary.local.targets import Targets
from canary.local.task_metadata import TaskMetadata

__all__ = ["Counts", "TaskScheduler"]

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
        self._metadata = TaskMetadata()
        self._tasks: list[Task] = []
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._killed: set[str] = set()
        self._failures: dict[str, tuple[int, float]] = {}
        self._thread = threading.Thread(target=self._run, name="task-scheduler", daemon=True)

    def start(self) -> None:
        """Reconcile from now on."""
        self._metadata.start()
        self._thread.start()

    def stop(self) -> None:
        """Start nothing any more; the processes end with the region's others, then `close`."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def close(self) -> None:
        """Close the metadata endpoint, once no task is left to ask it."""
        self._metadata.stop()

    def install(self, patches: Patches) -> None:
        """Let the ECS API tell what really runs."""
        _create_no_imaginary_tasks(patches)
        _describe_real_task_sets(patches, self)
        _describe_real_services(patches, self)
        _list_real_tasks(patches, self)
        _stop_real_tasks(patches, self)

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
        while not self._stop.wait(_PASS_SECONDS):
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
                        desired=_desired(service, each),
                        task_definition=each.task_definition,
                        load_balancers=each.load_balancers,
                        external_id=each.external_id,
                    )
                    for each in service.task_sets
                ]
            elif not _external(service):
                groups.append(
                    _Group(
                        key=service.arn,
                        service=service,
                        desired=int(service.desired_count or 0),
                        task_definition=str(service.task_definition),
                        load_balancers=service.load_balancers or [],
                        external_id="",
                    )
                )
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


def _desired(service: Service, task_set: TaskSet) -> int:
    share = float(task_set.scale.get("value", 100.0)) / 100.0
    return math.ceil(round(int(service.desired_count or 0) * share, 9))


def _external(service: Service) -> bool:
    controller = service.deployment_controller or {}
    return bool(controller.get("type") == "EXTERNAL")


def _split_secret(reference: str) -> tuple[str, str]:
    parts = reference.split(":")
    return ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""  # noqa: PLR2004 - an ARN's parts


def _create_no_imaginary_tasks(patches: Patches) -> None:
    """Moto invents RUNNING tasks, one time, when a task set is created."""
    original = EC2ContainerServiceBackend.create_task_set

    def create_task_set(self: EC2ContainerServiceBackend, *arguments: Any, **named: Any) -> TaskSet:
        scale = named.pop("scale", None)
        made = original(self, *arguments, **named)
        made.scale = scale or {"value": 100.0, "unit": "PERCENT"}
        return made

    patches.set(EC2ContainerServiceBackend, "create_task_set", create_task_set)


def _describe_real_task_sets(patches: Patches, scheduler: TaskScheduler) -> None:
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
            counts = scheduler.counts(each.id, _desired(owner, each))
            each.computed_desired_count = counts.desired
            each.pending_count = counts.pending
            each.running_count = counts.running + counts.stopping
            steady = "STEADY_STATE" if counts.steady else "STABILIZING"
            each.stabilityStatus = each.stability_status = steady
        return chosen

    patches.set(EC2ContainerServiceBackend, "describe_task_sets", describe_task_sets)


def _describe_real_services(patches: Patches, scheduler: TaskScheduler) -> None:
    """Moto says that no service runs any task."""
    original = EC2ContainerServiceBackend.describe_services

    def describe_services(
        self: EC2ContainerServiceBackend, cluster_str: str, service_names_or_arns: list[str]
    ) -> Any:
        services, failures = original(self, cluster_str, service_names_or_arns)
        for each in services:
            keys = [s.id for s in each.task_sets] or [each.arn]
            counts = [scheduler.counts(key, 0) for key in keys]
            each.running_count = sum(count.running + count.stopping for count in counts)
            each.pending_count = sum(count.pending for count in counts)
        return services, failures

    patches.set(EC2ContainerServiceBackend, "describe_services", describe_services)


def _list_real_tasks(patches: Patches, scheduler: TaskScheduler) -> None:
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
            described = _described(self, task)
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
        return [_described(self, task) for task in scheduler.tasks() if task.id in wanted]

    patches.set(EC2ContainerServiceBackend, "list_tasks", list_tasks)
    patches.set(EC2ContainerServiceBackend, "describe_tasks", describe_tasks)


def _stop_real_tasks(patches: Patches, scheduler: TaskScheduler) -> None:
    """Moto marks a task of its own invention as stopped."""

    def stop_task(
        self: EC2ContainerServiceBackend, cluster_str: str, task_str: str, reason: str
    ) -> SimpleNamespace:
        self._get_cluster(cluster_str)
        wanted = task_str.rsplit("/", maxsplit=1)[-1]
        task = next(each for each in scheduler.tasks() if each.id == wanted)
        task.stop(reason or "StopTask")
        return _described(self, task)

    patches.set(EC2ContainerServiceBackend, "stop_task", stop_task)


def _described(backend: EC2ContainerServiceBackend, task: Task) -> SimpleNamespace:
    services = backend.services.values()
    owner = next(
        (s for s in services if s.arn == task.group or task.group in {t.id for t in s.task_sets}),
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
