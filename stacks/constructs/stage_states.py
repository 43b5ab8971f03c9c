"""The states of one stage: scale, attest, move traffic, then a look after each wait."""

from __future__ import annotations

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from canary.policy.compiled import Stage
from stacks.constructs.faults import Faults
from stacks.constructs.release_functions import ReleaseFunctions
from stacks.constructs.steps import RESULT, Steps, chain

__all__ = ["StageStates"]

ANSWERS = ("decision.$", "wait_seconds.$", "shift_needed.$", "cause.$", "detail.$")
"""What the progression keeps of a look."""


class StageStates:
    """Enter at `entry`, come back to `wait`; `on_success` says where a passed stage leads.

    The first look is at once: it finds nothing to judge yet and says when to come back.
    """

    def __init__(
        self,
        scope: Construct,
        stage: Stage,
        *,
        steps: Steps,
        functions: ReleaseFunctions,
        faults: Faults,
    ) -> None:
        label = f"Stage {stage.rate:.0%}"
        self.wait = sfn.Wait(
            scope, f"{label}: wait", time=sfn.WaitTime.seconds_path(f"{RESULT}.wait_seconds")
        )
        self.on_fault = faults.hold(label, self.wait)
        self.entry = steps.act(
            f"{label}: scale",
            functions.scale_cycle,
            {
                "task_set": "canary",
                "step": "scale",
                "percent": stage.task_percent,
                "model": "candidate",
            },
            waits=True,
        )
        attest = steps.act(
            f"{label}: attest",
            functions.attest,
            {"task_set": "canary", "model": "candidate"},
            waits=True,
        )
        shift = steps.act(f"{label}: set traffic", functions.set_traffic, {"stage": stage.index})
        look = steps.act(
            f"{label}: decide",
            functions.decide,
            {"stage": stage.index},
            keep={name: f"$.Payload.{name.removesuffix('.$')}" for name in ANSWERS},
        )
        for task in (self.entry, attest, shift, look):
            faults.guard(task, self.on_fault)
        self._decision = sfn.Choice(scope, f"{label}: decision")
        chain([self.entry, attest, shift, look, self._decision])
        self.wait.next(look)
        self._decision.when(_decided("ROLLBACK"), faults.roll_back).when(
            _decided("REJECT"), faults.reject
        ).when(sfn.Condition.boolean_equals(f"{RESULT}.shift_needed", True), self.entry)

    def on_success(self, following: sfn.IChainable) -> None:
        """Where ADVANCE or PROMOTE leads; anything else waits for the next look."""
        self._decision.when(
            sfn.Condition.or_(_decided("ADVANCE"), _decided("PROMOTE")), following
        ).otherwise(self.wait)


def _decided(decision: str) -> sfn.Condition:
    return sfn.Condition.string_equals(f"{RESULT}.decision", decision)
