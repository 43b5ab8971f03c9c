"""From the last stage to the new control model: a person's answer, a soak, and the swap."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.constructs.faults import Faults
from stacks.constructs.release_functions import ReleaseFunctions
from stacks.constructs.stage_states import StageStates
from stacks.constructs.steps import VERDICTS, Steps, chain

__all__ = ["PromotionStates"]

_ANSWERS = ["ApprovalDenied", "States.Timeout"]
"""A person's no, and nobody's yes."""
REPORT = "$.report"
"""The key and version of the report, or the fault that left it unwritten."""


class PromotionStates:
    """Enter at `entry`, after `last_stage` passed.

    Until `begin` a fault holds the release; afterwards the old model is no longer there to go back
    to, so a fault pages and traffic stays on the canary.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        last_stage: StageStates,
        steps: Steps,
        functions: ReleaseFunctions,
        faults: Faults,
    ) -> None:
        self._steps = steps
        self._functions = functions
        ask = self._approval(scope, last_stage, faults)
        self.entry = self._report(ask)
        soak = sfn.Wait(
            scope, "Promote: soak", time=sfn.WaitTime.seconds_path("$.plan.soak_seconds")
        )
        scale = self._cycle("scale canary", "canary", "scale", 100)
        attest = self._attest("canary")
        shift = self._promote("shift_to_canary")
        for task in (scale, attest, shift):
            faults.guard(task, last_stage.on_fault)
        check, begin = self._promote("check"), self._promote("begin")
        on_fault = faults.hold("Promote", soak)
        for task in (check, begin):
            # A release held meanwhile soaks again, until the hold is lifted.
            task.add_catch(soak, errors=["NotReady"], result_path=sfn.JsonPath.DISCARD)
            faults.guard(task, on_fault)
        swap = [
            self._cycle("drain primary", "primary", "drain", 0),
            self._cycle("load primary", "primary", "load", 100),
            self._cycle("scale primary", "primary", "scale", 100),
            self._attest("primary"),
            self._promote("shift_to_primary"),
            self._cycle("drain canary", "canary", "drain", 0),
            self._promote("finish"),
        ]
        page = faults.page()
        for task in swap:
            faults.guard(task, page)
        promoted = sfn.Succeed(scope, "Promoted")
        chain([ask, scale, attest, shift, soak, check, begin, *swap, promoted])

    def _report(self, ask: tasks.LambdaInvoke) -> tasks.LambdaInvoke:
        """Write what the person reads; whatever fails here, the person is asked all the same."""
        write = self._steps.act(
            "Approval: report",
            self._functions.report.write,
            {},
            keep={"key.$": "$.Payload.key", "version.$": "$.Payload.version"},
            at=REPORT,
        )
        write.add_catch(ask, errors=["States.ALL"], result_path=REPORT)
        write.next(ask)
        return write

    def _approval(
        self, scope: Construct, last_stage: StageStates, faults: Faults
    ) -> tasks.LambdaInvoke:
        ask = tasks.LambdaInvoke(
            scope,
            "Approval: ask",
            lambda_function=self._functions.approval.ask.version,
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            payload=sfn.TaskInput.from_object(
                {
                    "release_id.$": "$.release_id",
                    "task_token": sfn.JsonPath.task_token,
                    "report.$": REPORT,
                }
            ),
            task_timeout=sfn.Timeout.at("$.plan.approval_seconds"),
            result_path=sfn.JsonPath.DISCARD,
            retry_on_service_exceptions=True,
        )
        # Asking again after a fault is cheap; a hold would cost a block of looks.
        ask.add_retry(errors=[*_ANSWERS, *VERDICTS], max_attempts=0)
        ask.add_retry(
            errors=["States.ALL"],
            interval=cdk.Duration.seconds(2),
            max_attempts=2,
            backoff_rate=2,
        )
        unapproved = faults.hold_unapproved(last_stage.wait)
        ask.add_catch(unapproved, errors=_ANSWERS, result_path="$.error")
        faults.guard(ask, last_stage.on_fault)
        return ask

    def _cycle(self, name: str, task_set: str, step: str, percent: int) -> tasks.LambdaInvoke:
        event: dict[str, Any] = {"task_set": task_set, "step": step, "percent": percent}
        return self._steps.act(
            f"Promote: {name}",
            self._functions.scale_cycle,
            {**event, "model": "candidate"},
            waits=True,
        )

    def _attest(self, task_set: str) -> tasks.LambdaInvoke:
        return self._steps.act(
            f"Promote: attest {task_set}",
            self._functions.attest,
            {"task_set": task_set, "model": "candidate"},
            waits=True,
        )

    def _promote(self, step: str) -> tasks.LambdaInvoke:
        return self._steps.act(
            f"Promote: {step.replace('_', ' ')}", self._functions.promote, {"step": step}
        )
