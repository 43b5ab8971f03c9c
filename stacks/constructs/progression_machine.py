"""The release as a state machine: admission, preparation, stages, approval, promotion."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from canary.policy.compiled import CompiledPolicy
from stacks.acknowledge import acknowledge
from stacks.constructs.faults import Faults
from stacks.constructs.offline_gate_states import OfflineGateStates
from stacks.constructs.promotion_states import PromotionStates
from stacks.constructs.release_functions import ReleaseFunctions
from stacks.constructs.stage_states import StageStates
from stacks.constructs.steps import Steps, chain
from stacks.names import MACHINE

__all__ = ["ProgressionMachine", "longest_release_seconds"]

_LONGEST_HOLDS_SECONDS = 7 * 86_400
"""How long a release may be held in all, beyond what the policy lets its stages take."""


_DRILL_SECONDS = 900
"""As long as the function of a drill can live."""

_PLAN = (
    "offline.$",
    "detail.$",
    "soak_seconds.$",
    "approval_seconds.$",
    "fault_wait_seconds.$",
)
"""What the progression keeps of the admission: times of the release's own policy."""


def longest_release_seconds(policy: CompiledPolicy) -> int:
    """When the machine gives up: gate and stages at their maximum, approval, soak, and holds."""
    stages = sum(stage.max_seconds for stage in policy.stages) + policy.evaluation.longest_seconds
    promotion = policy.promotion.approval_seconds + policy.promotion.soak_seconds
    return stages + promotion + _LONGEST_HOLDS_SECONDS


class ProgressionMachine(Construct):
    """State machine `canary-release`, one run a release, with one part a stage of `policy`.

    A running release keeps the definition, and the versions of the functions, that it started with.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        policy: CompiledPolicy,
        functions: ReleaseFunctions,
    ) -> None:
        super().__init__(scope, construct_id)
        steps = Steps(self, functions)
        faults = Faults(self, steps)
        stages = [
            StageStates(self, stage, steps=steps, functions=functions, faults=faults)
            for stage in policy.stages
            if 0 < stage.rate < 1
        ]
        promotion = PromotionStates(
            self, last_stage=stages[-1], steps=steps, functions=functions, faults=faults
        )
        entries = [*(stage.entry for stage in stages[1:]), promotion.entry]
        for stage, following in zip(stages, entries, strict=True):
            stage.on_success(following)
        gate = OfflineGateStates(self, steps=steps, functions=functions, faults=faults)
        gate.on_pass(self._prepare(policy, steps, functions, faults, stages[0]))
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=MACHINE,
            definition_body=sfn.DefinitionBody.from_chainable(
                self._begin(self._admit(steps, functions, faults, gate.entry))
            ),
            timeout=cdk.Duration.seconds(longest_release_seconds(policy)),
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "Logs",
                    log_group_name=f"/aws/vendedlogs/states/{MACHINE}",
                    retention=logs.RetentionDays.ONE_YEAR,
                    removal_policy=cdk.RemovalPolicy.RETAIN,
                ),
                level=sfn.LogLevel.ALL,
                include_execution_data=True,
            ),
        )
        acknowledge(
            self.machine,
            "AwsSolutions-IAM5[Resource::*]",
            "X-Ray and the delivery of logs (logs:CreateLogDelivery and its like) know no "
            "resources.",
        )
        version = sfn.CfnStateMachineVersion(
            self,
            "Version",
            state_machine_arn=self.machine.state_machine_arn,
            state_machine_revision_id=self.machine.state_machine_revision_id,
        )
        version.apply_removal_policy(cdk.RemovalPolicy.RETAIN)

    def _begin(self, admit: sfn.IChainable) -> sfn.Choice:
        """A fire drill is an execution that does nothing but wait until its rollback stops it."""
        wait = sfn.Wait(
            self,
            "Drill: wait for the rollback",
            time=sfn.WaitTime.duration(cdk.Duration.seconds(_DRILL_SECONDS)),
        )
        wait.next(sfn.Succeed(self, "Drill: nobody stopped it"))
        is_drill = sfn.Condition.and_(
            sfn.Condition.is_present("$.drill"), sfn.Condition.boolean_equals("$.drill", True)
        )
        return sfn.Choice(self, "Is it a drill?").when(is_drill, wait).otherwise(admit)

    def _admit(
        self, steps: Steps, functions: ReleaseFunctions, faults: Faults, gate: sfn.IChainable
    ) -> tasks.LambdaInvoke:
        """Nothing is rolled back here: a fault ends the execution, and its rule does the rest."""
        admit = steps.call(
            "Admit",
            functions.admit,
            {"input.$": "$", "execution_arn.$": "$$.Execution.Id"},
            keep={name: f"$.Payload.{name.removesuffix('.$')}" for name in _PLAN},
            at="$.plan",
        )
        refused = sfn.Fail(self, "Refused", error_path="$.error.Error", cause_path="$.error.Cause")
        admit.add_catch(refused, errors=["States.ALL"], result_path="$.error")
        admit.next(
            sfn.Choice(self, "Offline scores brought")
            .when(sfn.Condition.string_equals("$.plan.offline", "FAIL"), faults.reject_brought)
            .otherwise(gate)
        )
        return admit

    def _prepare(
        self,
        policy: CompiledPolicy,
        steps: Steps,
        functions: ReleaseFunctions,
        faults: Faults,
        first: StageStates,
    ) -> tasks.LambdaInvoke:
        """Load the candidate into the idle canary set; the first stage scales it up."""
        again = sfn.Wait(
            self, "Prepare: wait", time=sfn.WaitTime.seconds_path("$.plan.fault_wait_seconds")
        )
        cycle = {"task_set": "canary", "model": "candidate"}
        drain = steps.act(
            "Prepare: drain canary",
            functions.scale_cycle,
            {**cycle, "step": "drain", "percent": 0},
            waits=True,
        )
        load = steps.act(
            "Prepare: load candidate",
            functions.scale_cycle,
            {**cycle, "step": "load", "percent": policy.stages[0].task_percent},
            waits=True,
        )
        flag = steps.call("Prepare: session flag", functions.session_flag, {"active": True})
        on_fault = faults.hold("Prepare", again)
        for task in (drain, load):
            # A person lifts the hold; until then every wait ends here, at the price of one call.
            task.add_catch(again, errors=["Held"], result_path=sfn.JsonPath.DISCARD)
        for task in (drain, load, flag):
            faults.guard(task, on_fault)
        chain([drain, load, flag, first.entry])
        again.next(drain)
        return drain
