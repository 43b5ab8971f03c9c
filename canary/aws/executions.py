"""The progression's executions: stop one, answer its task token, start one."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Executions"]

_LONGEST_CAUSE = 32768


class Executions:
    """Step Functions, as far as a release needs it."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def stop(self, arn: str, error: str, cause: str) -> None:
        """Stop a running execution; one that is gone or over is left as it is."""
        try:
            self._client.stop_execution(executionArn=arn, error=error, cause=cause)
        except self._client.exceptions.ExecutionDoesNotExist:
            return

    def start(self, machine_arn: str, name: str, data: dict[str, Any]) -> str:
        """Start the machine; the name makes a second start of the same release fail."""
        answer = self._client.start_execution(
            stateMachineArn=machine_arn, name=name, input=json.dumps(data)
        )
        return str(answer["executionArn"])

    def status(self, arn: str) -> str:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
        return str(self._client.describe_execution(executionArn=arn)["status"])

    def machine(self, name: str) -> str:
        """The ARN of the state machine of that name. Raises `LookupError`."""
        pages = self._client.get_paginator("list_state_machines").paginate()
        for page in pages:
            for machine in page["stateMachines"]:
                if machine["name"] == name:
                    return str(machine["stateMachineArn"])
        raise LookupError(f"no state machine named {name!r} in this region")

    def succeed(self, token: str, output: dict[str, Any]) -> bool:
        """Let the waiting state go on with `output`; False when it does not wait any more."""
        try:
            self._client.send_task_success(taskToken=token, output=json.dumps(output))
        except self._gone():
            return False
        return True

    def fail(self, token: str, error: str, cause: str) -> bool:
        """Let the waiting state fail with `error`; False when it does not wait any more."""
        cause = cause[:_LONGEST_CAUSE]
        try:
            self._client.send_task_failure(taskToken=token, error=error, cause=cause)
        except self._gone():
            return False
        return True

    def _gone(self) -> tuple[type[Exception], ...]:
        known = self._client.exceptions
        return (known.TaskTimedOut, known.TaskDoesNotExist, known.InvalidToken)
