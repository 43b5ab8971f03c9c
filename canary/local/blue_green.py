"""One blue/green deployment of an ECS service: what is where, and the moves between."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from moto.codedeploy.models import DeploymentInfo
from moto.ecs.models import Service, ecs_backends

from canary.local.clock import Clock
from canary.local.ecs import TaskScheduler, first_revision
from canary.local.ecs_revisions import Revision
from canary.local.emulator import ACCOUNT, Emulator

__all__ = ["BlueGreen", "DeploymentFailedError", "DeploymentStoppedError"]

_START_SECONDS = 240.0
"""How long new tasks may take to be healthy, real: a process starts as fast as it can."""

_LOOK_SECONDS = 10.0
"""Between two looks at the alarms, virtual."""

_CANARY = re.compile(r"ECSCanary(\d+)Percent(\d+)Minutes$")


class DeploymentFailedError(Exception):
    """The deployment must come back; the message says why."""


class DeploymentStoppedError(Exception):
    """Somebody stopped the deployment."""


class BlueGreen:
    """`prepare`, `shift`, or `come_back` at any point before `shift` has ended."""

    def __init__(
        self,
        emulator: Emulator,
        tasks: TaskScheduler,
        clock: Clock,
        deployment: DeploymentInfo,
        stop: threading.Event,
    ) -> None:
        self._emulator = emulator
        self._tasks = tasks
        self._clock = clock
        self._stop = stop
        self._id = deployment.deployment_id
        self._group = deployment.deployment_group
        self._config = str(deployment.deployment_config_name)
        self._spec = _app_spec(deployment.revision)
        (self._pair,) = self._group.load_balancer_info["targetGroupPairInfoList"]
        self._service = self._find_service()
        self._old = self._serving_revision()
        self._new = Revision(self._id, self._task_definition(), self._other_group())

    def hooks(self, event: str) -> Sequence[str]:
        """The functions that the AppSpec names for a lifecycle event."""
        return [each[event] for each in self._spec.get("Hooks", []) if event in each]

    def prepare(self) -> None:
        """Start the new tasks, wait until they are healthy, show them on the test listener.

        Raises `DeploymentFailedError`, at once when an alarm of the group is raised already.
        """
        self._check()
        self._tasks.revisions.start(self._service.arn, first_revision(self._service), self._new)
        deadline = time.monotonic() + _START_SECONDS
        while not self._tasks.counts(self._new.key, int(self._service.desired_count)).steady:
            if time.monotonic() > deadline:
                raise DeploymentFailedError("the new tasks did not become healthy")
            self._check()
            time.sleep(0.05)
        self._route("testTrafficRoute", (self._new, 100))

    def shift(self) -> None:
        """Move production to the new tasks as the configuration says, then end the old ones.

        Raises `DeploymentFailedError` when an alarm rings on the way or while both still run.
        """
        if canary := _CANARY.search(self._config):
            percent, minutes = int(canary[1]), int(canary[2])
            self._route("prodTrafficRoute", (self._old, 100 - percent), (self._new, percent))
            self._watch(minutes * 60.0)
        self._route("prodTrafficRoute", (self._old, 0), (self._new, 100))
        ending = self._group.blue_green_deployment_configuration.get(
            "terminateBlueInstancesOnDeploymentSuccess", {}
        )
        self._watch(float(ending.get("terminationWaitTimeInMinutes", 0)) * 60.0)
        self._tasks.revisions.end(self._service.arn, self._old.key)

    def come_back(self) -> None:
        """Give everything to the old tasks and end the new ones."""
        self._route("prodTrafficRoute", (self._old, 100))
        self._route("testTrafficRoute", (self._old, 100))
        self._tasks.revisions.end(self._service.arn, self._new.key)

    def _watch(self, seconds: float) -> None:
        until = self._clock.now() + seconds
        while (left := until - self._clock.now()) > 0:
            self._check()
            self._clock.sleep(min(_LOOK_SECONDS, left), self._stop)
        self._check()

    def _check(self) -> None:
        if self._stop.is_set():
            raise DeploymentStoppedError
        names = list(self._alarms())
        if not names:
            return
        answer = self._emulator.client("cloudwatch").describe_alarms(AlarmNames=names)
        raised = [
            each["AlarmName"] for each in answer["MetricAlarms"] if each["StateValue"] == "ALARM"
        ]
        if raised:
            raise DeploymentFailedError(f"alarms: {', '.join(sorted(raised))}")

    def _alarms(self) -> Iterator[str]:
        configured: Any = self._group.alarm_configuration
        alarms = configured.get("alarms", []) if isinstance(configured, dict) else []
        yield from (each["name"] for each in alarms)

    def _route(self, route: str, *shares: tuple[Revision, int]) -> None:
        groups = [
            {"TargetGroupArn": revision.target_group, "Weight": percent}
            for revision, percent in shares
        ]
        for listener in (self._pair.get(route) or {}).get("listenerArns", []):
            self._emulator.client("elbv2").modify_listener(
                ListenerArn=listener,
                DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
            )

    def _find_service(self) -> Service:
        (wanted,) = self._group.ecs_services
        key = f"{wanted['clusterName']}:{wanted['serviceName']}"
        found: Service = ecs_backends[ACCOUNT][self._emulator.region].services[key]
        return found

    def _serving_revision(self) -> Revision:
        running = self._tasks.revisions.of(self._service.arn, first_revision(self._service))
        if len(running) > 1:
            raise DeploymentFailedError("another deployment of the service is under way")
        return running[0]

    def _other_group(self) -> str:
        client = self._emulator.client("elbv2")
        names = [each["name"] for each in self._pair["targetGroups"]]
        groups = client.describe_target_groups(Names=names)["TargetGroups"]
        arns = [str(each["TargetGroupArn"]) for each in groups]
        return next(arn for arn in arns if arn != self._old.target_group)

    def _task_definition(self) -> str:
        target = self._spec["Resources"][0]["TargetService"]
        return str(target["Properties"]["TaskDefinition"])


def _app_spec(revision: dict[str, Any]) -> dict[str, Any]:
    """The revision's AppSpec, which must be JSON here. Raises `ValueError`."""
    content = (revision.get("appSpecContent") or revision.get("string") or {}).get("content", "")
    spec: dict[str, Any] = json.loads(content)
    return spec
