"""The three functions between the progression and the pipeline that asks a person."""

from __future__ import annotations

from constructs import Construct

from stacks import names
from stacks.constructs.environment import Environment
from stacks.constructs.function import CanaryFunction
from stacks.constructs.permissions import Permissions
from stacks.state import State

__all__ = ["ApprovalFunctions"]


class ApprovalFunctions(Construct):
    """`ask` starts the pipeline, `confirm` is its last action, `deny` hears how else it ended."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        state: State,
        env: Environment,
        allow: Permissions,
    ) -> None:
        super().__init__(scope, construct_id)
        releases, machine = state.tables.releases, names.MACHINE
        see = allow.pipeline(names.PROMOTION, "GetPipelineState")
        self.ask = CanaryFunction(
            self,
            "Ask",
            folder="await_approval",
            timeout_seconds=30,
            environment=env.releases | env.prefix | env.reports | env.promotion,
            may=(
                allow.write(releases),
                allow.parameters("PutParameter", "assignment", "status"),
                allow.write_reports(state.reports, "html"),
                allow.pipeline(names.PROMOTION, "ListPipelineExecutions", "StartPipelineExecution"),
                allow.pipeline(names.PROMOTION, "StopPipelineExecution"),
            ),
        )
        self.confirm = CanaryFunction(
            self,
            "Confirm",
            folder="confirm_approval",
            timeout_seconds=30,
            environment=env.releases | env.promotion | env.engineers,
            may=(
                allow.write(releases),
                *allow.publish(state.topics, on_call=False),
                see,
                allow.answer_tasks(machine, "SendTaskSuccess"),
                allow.see("codepipeline:PutJobSuccessResult"),
                allow.see("codepipeline:PutJobFailureResult"),
            ),
        )
        self.deny = CanaryFunction(
            self,
            "Deny",
            folder="deny_approval",
            timeout_seconds=30,
            environment=env.releases | env.promotion,
            may=(
                allow.items(releases, "GetItem"),
                see,
                allow.answer_tasks(machine, "SendTaskFailure"),
            ),
        )
