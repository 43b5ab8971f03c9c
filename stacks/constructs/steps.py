"""The states of the progression that call a function, each with what it does about trouble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.constructs.function import CanaryFunction
from stacks.constructs.release_functions import ReleaseFunctions

__all__ = ["ERROR", "RESULT", "VERDICTS", "Steps"]

RESULT = "$.result"
ERROR = "$.error"
VERDICTS = ["HarmDetected", "Revoked", "AdmissionRefused", "Held"]
"""Errors that are answers: asking again would not change them."""


class Steps:
    """Makes task states. A state calls the version of its function that was deployed with it."""

    def __init__(self, scope: Construct, functions: ReleaseFunctions) -> None:
        self._scope = scope
        self._functions = functions

    def call(
        self,
        name: str,
        function: CanaryFunction,
        payload: Mapping[str, Any],
        *,
        keep: Mapping[str, Any] | None = None,
        at: str = RESULT,
        waits: bool = False,
    ) -> tasks.LambdaInvoke:
        """Call `function`; without `keep` its answer is dropped.

        With `waits`, `NotReady` is asked again every 15 s for 10 minutes. Anything that is not an
        answer is tried three times.
        """
        task = tasks.LambdaInvoke(
            self._scope,
            name,
            lambda_function=function.version,
            payload=sfn.TaskInput.from_object(dict(payload)),
            result_selector=dict(keep) if keep else None,
            result_path=at if keep else sfn.JsonPath.DISCARD,
            retry_on_service_exceptions=False,
        )
        task.add_retry(errors=VERDICTS, max_attempts=0)
        if waits:
            task.add_retry(
                errors=["NotReady"],
                interval=cdk.Duration.seconds(15),
                max_attempts=40,
                backoff_rate=1,
            )
        task.add_retry(
            errors=["States.ALL"],
            interval=cdk.Duration.seconds(2),
            max_attempts=2,
            backoff_rate=2,
        )
        return task

    def act(
        self, name: str, function: CanaryFunction, payload: Mapping[str, Any], **more: Any
    ) -> tasks.LambdaInvoke:
        """Call `function` for the release."""
        return self.call(name, function, {"release_id.$": "$.release_id", **payload}, **more)

    def roll_back(
        self, name: str, why: Mapping[str, str], *, strike: bool, reject: bool
    ) -> tasks.LambdaInvoke:
        """End the release by the rollback function; `why` is its cause and detail."""
        return self.act(
            name,
            self._functions.rollback,
            {
                "source": "progression",
                "strike": strike,
                "reject": reject,
                "execution_arn.$": "$$.Execution.Id",
                **why,
            },
        )

    def pause(self, name: str, *, cause: str) -> tasks.LambdaInvoke:
        """Hold the release; the answer says whether alarms are OK and whether it is promoting."""
        return self.act(
            name,
            self._functions.pause,
            {"source": "progression", "cause": cause, "detail.$": f"{ERROR}.Cause"},
            keep={
                "alarms_ok.$": "$.Payload.alarms_ok",
                "promoting.$": "$.Payload.promoting",
                "wait_seconds.$": "$.Payload.wait_seconds",
            },
        )


def chain(states: Sequence[sfn.IChainable]) -> sfn.Chain:
    """The states one after the other."""
    first, *rest = states
    result = sfn.Chain.start(first)
    for state in rest:
        result = result.next(state)
    return result
