"""CodeDeploy for ECS: moto writes deployments down and carries none of them out.

A deployment starts the new tasks in the target group that does not serve, shows them on the test
listener, calls the AppSpec's hook and waits for its answer, shifts the production listener, and
brings everything back when the hook, the tasks or an alarm of the group say so.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from moto.codedeploy.models import CodeDeployBackend, DeploymentInfo, codedeploy_backends
from moto.codedeploy.responses import CodeDeployResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from canary.local.blue_green import BlueGreen, DeploymentFailedError, DeploymentStoppedError
from canary.local.clock import Clock
from canary.local.ecs import TaskScheduler
from canary.local.emulator import ACCOUNT, Emulator
from canary.local.events import EventBus
from canary.local.lambdas import Functions
from canary.local.patches import Patches

__all__ = ["CodeDeploy"]

_EVENT = "CodeDeploy Deployment State-change Notification"
_EVENT_STATES = {"Succeeded": "SUCCESS", "Failed": "FAILURE", "Stopped": "STOP"}
_HOOK_SECONDS = 3600.0
"""How long CodeDeploy waits for a hook's answer, virtual."""


class CodeDeploy:
    """Carries out the deployments of one region, each on a thread of its own."""

    def __init__(
        self,
        emulator: Emulator,
        functions: Functions,
        tasks: TaskScheduler,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._emulator = emulator
        self._functions = functions
        self._tasks = tasks
        self._bus = bus
        self._clock = clock
        self._answers: dict[str, str] = {}
        self._changed = threading.Condition()
        self._stops: dict[str, threading.Event] = {}
        self._closing = False

    def stop(self) -> None:
        """Leave every deployment where it is."""
        self._closing = True
        for each in list(self._stops.values()):
            each.set()
        with self._changed:
            self._changed.notify_all()

    def install(self, patches: Patches) -> None:
        """Carry out what `CreateDeployment` creates, and take the answers of hooks."""
        original = CodeDeployBackend.create_deployment

        def create_deployment(backend: CodeDeployBackend, *arguments: Any, **named: Any) -> str:
            made = original(backend, *arguments, **named)
            self._start(backend.deployments[made])
            return str(made)

        patches.set(CodeDeployBackend, "create_deployment", create_deployment)
        for name, answer in (
            ("put_lifecycle_event_hook_execution_status", self._take_answer),
            ("stop_deployment", self._stop_deployment),
        ):
            patches.set(CodeDeployResponse, name, _answered_by(answer))

    def _start(self, deployment: DeploymentInfo) -> None:
        self._stops[deployment.deployment_id] = threading.Event()
        threading.Thread(
            target=self._run,
            args=(deployment,),
            name=f"deployment-{deployment.deployment_id[:8]}",
            daemon=True,
        ).start()

    def _run(self, deployment: DeploymentInfo) -> None:
        stop = self._stops[deployment.deployment_id]
        try:
            shift = BlueGreen(self._emulator, self._tasks, self._clock, deployment, stop)
        except Exception as error:  # noqa: BLE001 - nothing has been moved yet
            self._end(deployment, "Failed", str(error))
            return
        deployment.status = "InProgress"
        try:
            shift.prepare()
            for hook in shift.hooks("AfterAllowTestTraffic"):
                self._call(hook, deployment, stop)
            shift.shift()
            self._end(deployment, "Succeeded")
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the old tasks serve again
            if self._closing:
                return
            shift.come_back()
            stopped = isinstance(error, DeploymentStoppedError)
            self._end(deployment, "Stopped" if stopped else "Failed", str(error))

    def _call(self, hook: str, deployment: DeploymentInfo, stop: threading.Event) -> None:
        execution = f"{deployment.deployment_id}-hook"
        event = {
            "DeploymentId": deployment.deployment_id,
            "LifecycleEventHookExecutionId": execution,
        }
        self._functions.events.start(hook, event)
        with self._changed:
            self._changed.wait_for(
                lambda: execution in self._answers or stop.is_set(),
                self._clock.real_seconds(_HOOK_SECONDS),
            )
        if stop.is_set():
            raise DeploymentStoppedError
        status = self._answers.get(execution, "no answer")
        if status != "Succeeded":
            raise DeploymentFailedError(f"hook {hook.rsplit(':', 1)[-1]}: {status}")

    def _take_answer(self, request: dict[str, Any]) -> dict[str, str]:
        execution = request["lifecycleEventHookExecutionId"]
        with self._changed:
            self._answers[execution] = request["status"]
            self._changed.notify_all()
        return {"lifecycleEventHookExecutionId": execution}

    def _stop_deployment(self, request: dict[str, Any]) -> dict[str, str]:
        backend: CodeDeployBackend = codedeploy_backends[ACCOUNT][self._emulator.region]
        deployment = backend.get_deployment(request["deploymentId"])
        self._stops[deployment.deployment_id].set()
        with self._changed:
            self._changed.notify_all()
        return {"status": "Pending", "statusMessage": "the old tasks come back"}

    def _end(self, deployment: DeploymentInfo, status: str, message: str = "") -> None:
        deployment.deployment_status_messages = [message] if message else []
        deployment.complete_time = utcnow()
        deployment.status = status
        detail = {
            "region": self._emulator.region,
            "deploymentId": deployment.deployment_id,
            "deploymentGroup": deployment.deployment_group_name,
            "application": deployment.application_name,
            "state": _EVENT_STATES[status],
        }
        self._bus.publish("aws.codedeploy", _EVENT, detail, resources=[])


def _answered_by(
    answer: Callable[[dict[str, Any]], dict[str, str]],
) -> Callable[[CodeDeployResponse], ActionResult]:
    def operation(response: CodeDeployResponse) -> ActionResult:
        return ActionResult(answer(json.loads(response.body)))

    return operation
