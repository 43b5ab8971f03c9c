"""Mends moto's interpreter of state machines and puts it on the virtual clock.

Waits, retry intervals, callbacks' time-outs and a whole execution's time-out are virtual seconds.
The time-out of a task that computes stays real, because computation is not scaled.
"""

from __future__ import annotations

import functools
import json
import uuid
from types import SimpleNamespace
from typing import Any

import boto3
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (  # noqa: E501 - one import, one line
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (  # noqa: E501 - one import, one line
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.backend.execution import (
    BaseExecutionWorkerCommunication,
    Execution,
)
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from canary.local.clock import LOOK_SECONDS, Clock
from canary.local.events import EventBus
from canary.local.patches import Patches

__all__ = ["install"]

_SERVICES = {
    "cloudwatchlogs": "logs",
    "elasticloadbalancingv2": "elbv2",
    "eventbridge": "events",
    "sfn": "stepfunctions",
    "states": "stepfunctions",
}
_MACHINE_ARN_PARTS = 7


def install(patches: Patches, clock: Clock, bus: EventBus) -> None:
    """Apply every change; the emulator must not have started an execution yet."""
    name_services_as_the_sdk_does(patches)
    spell_parameters_as_the_sdk_does(patches)
    name_unnamed_executions(patches)
    start_by_qualifier(patches)
    scale_waits(patches, clock)
    scale_retries(patches, clock)
    scale_executions(patches, clock)
    scale_callbacks(patches, clock)
    stop_while_waiting_for_a_token(patches)
    announce_ends(patches, bus)


def name_services_as_the_sdk_does(patches: Patches) -> None:
    """A definition says `elasticloadbalancingv2`, where boto3 says `elbv2`."""
    patches.set(StateTaskService, "_SERVICE_NAME_SFN_TO_BOTO_OVERRIDES", _SERVICES)


def spell_parameters_as_the_sdk_does(patches: Patches) -> None:
    """Moto hands a definition's PascalCase to SDKs in camelCase, and dates to a JSON encoder."""

    def parameters(
        self: StateTaskService,
        parameters: dict[str, Any],
        boto_service_name: str | None = None,
        service_action_name: str | None = None,
    ) -> None:
        request, _ = _shapes(
            self._get_boto_service_name(boto_service_name),
            self._get_boto_service_action(service_action_name),
        )
        if request is not None:
            self._to_boto_request(parameters, request)

    def response(
        self: StateTaskService,
        response: Any,
        boto_service_name: str | None = None,
        service_action_name: str | None = None,
    ) -> None:
        _, answer = _shapes(
            self._get_boto_service_name(boto_service_name),
            self._get_boto_service_action(service_action_name),
        )
        if answer is not None:
            self._from_boto_response(response, answer)
        _dates_to_text(response)

    patches.set(StateTaskService, "_normalise_parameters", parameters)
    patches.set(StateTaskService, "_normalise_response", response)


def name_unnamed_executions(patches: Patches) -> None:
    """Moto calls every execution without a name `None`, and refuses the second one."""
    original = StepFunctionsParserBackend.start_execution

    def start_execution(
        self: StepFunctionsParserBackend,
        state_machine_arn: str,
        name: str | None = None,
        *rest: Any,
        **named: Any,
    ) -> Execution:
        return original(self, state_machine_arn, name or str(uuid.uuid4()), *rest, **named)

    patches.set(StepFunctionsParserBackend, "start_execution", start_execution)


def start_by_qualifier(patches: Patches) -> None:
    """Moto cannot start a version or an alias; here a qualifier starts the newest definition."""
    original = StepFunctionsParserBackend.start_execution

    def start_execution(
        self: StepFunctionsParserBackend, state_machine_arn: str, *rest: Any, **named: Any
    ) -> Execution:
        machine = ":".join(state_machine_arn.split(":")[:_MACHINE_ARN_PARTS])
        return original(self, machine, *rest, **named)

    patches.set(StepFunctionsParserBackend, "start_execution", start_execution)


def scale_waits(patches: Patches, clock: Clock) -> None:
    """A Wait state waits virtual seconds, and ends at once when the execution is stopped."""

    def wait_interval(_self: WaitFunction, env: Any, wait_seconds: float) -> None:
        end = clock.now() + wait_seconds
        while env.is_running() and (left := clock.real_seconds(end - clock.now())) > 0:
            env.program_state_event.wait(min(left, LOOK_SECONDS))

    patches.set(WaitFunction, "_wait_interval", wait_interval)


def scale_retries(patches: Patches, clock: Clock) -> None:
    """A retrier's interval is virtual seconds."""
    patches.set(retrier_decl, "time", SimpleNamespace(sleep=clock.sleep))


def scale_executions(patches: Patches, clock: Clock) -> None:
    """The time-out of a whole execution is virtual seconds."""
    original = Program.eval

    def evaluate(self: Any, env: Any) -> None:
        if self.timeout_seconds is not None:
            seconds = clock.real_seconds(self.timeout_seconds.timeout_seconds)
            self.timeout_seconds = SimpleNamespace(timeout_seconds=seconds)
        original(self, env)

    patches.set(Program, "eval", evaluate)


def scale_callbacks(patches: Patches, clock: Clock) -> None:
    """The time-out and the heartbeat of a task that waits for a token are virtual seconds."""
    original = StateTaskServiceCallback.from_state_props

    def from_state_props(self: Any, state_props: Any) -> None:
        original(self, state_props)
        if self.resource.condition is ResourceCondition.WaitForTaskToken:
            self.timeout = _Scaled(self.timeout, clock)
            if self.heartbeat is not None:
                self.heartbeat = _Scaled(self.heartbeat, clock)

    patches.set(StateTaskServiceCallback, "from_state_props", from_state_props)


def stop_while_waiting_for_a_token(patches: Patches) -> None:
    """Moto's execution waits on for its token after it was stopped, and then calls that a failure.

    A task that computes is still waited for: the execution is ABORTED when its call returns.
    """
    stop, set_error = Execution.stop, Environment.set_error

    def stop_at_once(self: Execution, *arguments: Any, **named: Any) -> None:
        stop(self, *arguments, **named)
        if self.exec_worker is not None and self.exec_worker.env is not None:
            for endpoint in list(self.exec_worker.env.callback_pool_manager._pool.values()):
                endpoint.interrupt_all()

    def set_error_if_running(self: Environment, error: Any) -> None:
        if self.is_running():
            set_error(self, error)

    patches.set(Execution, "stop", stop_at_once)
    patches.set(Environment, "set_error", set_error_if_running)


def announce_ends(patches: Patches, bus: EventBus) -> None:
    """Moto sends no event when an execution ends."""
    original = BaseExecutionWorkerCommunication.terminated

    def terminated(self: BaseExecutionWorkerCommunication) -> None:
        original(self)
        execution: Any = self.execution
        detail = {
            "executionArn": execution.exec_arn,
            "stateMachineArn": execution.state_machine.arn,
            "name": execution.name,
            "status": str(execution.status),
            "startDate": int(execution.start_date.timestamp() * 1000),
            "stopDate": int(execution.stop_date.timestamp() * 1000),
            "input": json.dumps(execution.input_data),
            "output": None if execution.output is None else json.dumps(execution.output),
            "error": execution.error,
            "cause": execution.cause,
        }
        bus.publish(
            "aws.states",
            "Step Functions Execution Status Change",
            detail,
            resources=[execution.exec_arn],
        )

    patches.set(BaseExecutionWorkerCommunication, "terminated", terminated)


class _Scaled:
    """A time-out or heartbeat in virtual seconds, evaluated to real ones."""

    def __init__(self, inner: Any, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock

    def eval(self, env: Any) -> None:
        self._inner.eval(env=env)
        env.stack.append(self._clock.real_seconds(env.stack.pop()))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@functools.cache
def _shapes(service: str, action: str) -> tuple[Any, Any]:
    client = boto3.client(service)
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[action])
    return model.input_shape, model.output_shape


def _dates_to_text(value: Any) -> None:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, each in list(items):
        if hasattr(each, "isoformat"):
            value[key] = each.isoformat()
        else:
            _dates_to_text(each)
