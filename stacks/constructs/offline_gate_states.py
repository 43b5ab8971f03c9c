"""Stage 0: both models answer the golden set before any task or traffic is touched."""

from __future__ import annotations

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.constructs.faults import Faults
from stacks.constructs.release_functions import ReleaseFunctions
from stacks.constructs.steps import RESULT, Steps, chain

__all__ = ["OfflineGateStates"]

_LABEL = "OfflineGate"
_KEPT = {
    "verdict.$": "$.Payload.verdict",
    "detail.$": "$.Payload.detail",
    "wait_seconds.$": "$.Payload.wait_seconds",
}


class OfflineGateStates:
    """Start the evaluation jobs, wait, read and judge; only PASS goes on, by `on_pass`.

    A job without a result is machinery that failed: the release is held, and after `canary resume`
    another job is started. A verdict that is no known one rejects nothing and passes nothing.
    """

    def __init__(
        self, scope: Construct, *, steps: Steps, functions: ReleaseFunctions, faults: Faults
    ) -> None:
        gate = functions.offline_gate
        start = steps.act(f"{_LABEL}: start", gate, {"step": "start"}, keep=_KEPT)
        read = steps.act(f"{_LABEL}: read", gate, {"step": "read"}, keep=_KEPT)
        wait = sfn.Wait(
            scope, f"{_LABEL}: wait", time=sfn.WaitTime.seconds_path(f"{RESULT}.wait_seconds")
        )
        again = sfn.Wait(
            scope,
            f"{_LABEL}: wait for a person",
            time=sfn.WaitTime.seconds_path("$.plan.fault_wait_seconds"),
        )
        on_fault = faults.hold(_LABEL, again)
        for task in (start, read):
            # While a person has not resumed, nothing is started or judged, at the price of a call.
            task.add_catch(again, errors=["Held"], result_path=sfn.JsonPath.DISCARD)
            faults.guard(task, on_fault)
        self._verdict = sfn.Choice(scope, f"{_LABEL}: verdict")
        self._verdict.when(_is("RUNNING"), wait)
        self._verdict.when(_is("FAIL"), faults.reject_measured)
        unknown = sfn.Pass(
            scope,
            f"{_LABEL}: no verdict",
            parameters={"Error": "NoVerdict", "Cause": "The offline gate gave no known verdict"},
            result_path="$.error",
        )
        unknown.next(on_fault)
        self._verdict.otherwise(unknown)
        chain([start, wait, read, self._verdict])
        again.next(start)
        self.entry = start

    def on_pass(self, following: sfn.IChainable) -> None:
        """Where a candidate goes that passed."""
        self._verdict.when(_is("PASS"), following)


def _is(verdict: str) -> sfn.Condition:
    return sfn.Condition.string_equals(f"{RESULT}.verdict", verdict)
