"""Stack `Progression`: the functions of a release, the machine that calls them, and what ticks."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import (
    aws_events as events,
)
from aws_cdk import (
    aws_events_targets as targets,
)
from aws_cdk import (
    aws_logs as logs,
)
from aws_cdk import (
    aws_logs_destinations as destinations,
)
from constructs import Construct

from canary.policy.compiled import CompiledPolicy
from stacks.api import Api
from stacks.constructs.function import CanaryFunction
from stacks.constructs.outputs import tell_operator
from stacks.constructs.progression_machine import ProgressionMachine
from stacks.constructs.promotion_pipeline import PromotionPipeline
from stacks.constructs.release_functions import ReleaseFunctions
from stacks.constructs.rollback_alarms import RollbackAlarms
from stacks.network import Network
from stacks.state import State
from stacks.traffic import Traffic

__all__ = ["Progression"]

RECONCILE_EVERY = cdk.Duration.minutes(1)
ANALYSE_EVERY = cdk.Duration.minutes(5)
LEARN_EVERY = cdk.Duration.hours(1)


class Progression(cdk.Stack):
    """Moves a release, and repairs toward safety whatever died."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: Network,
        state: State,
        traffic: Traffic,
        api: Api,
        policy: CompiledPolicy,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        self.functions = ReleaseFunctions(
            self,
            "Functions",
            network=network,
            state=state,
            routes=traffic.routes,
            models=policy.models,
            gateway_url=traffic.url,
            time_zone=policy.timezone,
            wave_before=policy.wave_before,
        )
        self.machine = ProgressionMachine(
            self, "Release", policy=policy, functions=self.functions
        ).machine
        self.functions.report.follow(self.machine.state_machine_arn)
        PromotionPipeline(
            self,
            "Promotion",
            functions=self.functions.approval,
            reports=state.reports,
            access_logs=network.access_logs,
            topics=state.topics,
            approval_seconds=policy.promotion.approval_seconds,
        )
        RollbackAlarms(
            self,
            "RollbackAlarms",
            rollback=self.functions.rollback.function,
            on_call=state.topics.on_call,
        )
        tell_operator(
            self,
            {
                "ReleaseMachineArn": (
                    "State machine of releases: one execution is one release",
                    self.machine.state_machine_arn,
                ),
                "RollbackFunctionArn": (
                    "Rollback function, to be invoked by hand when there is no checkout",
                    self.functions.rollback.alias.function_arn,
                ),
            },
        )
        self._every("Reconcile", RECONCILE_EVERY, self.functions.reconcile)
        self._every("Analyse", ANALYSE_EVERY, self.functions.analyse)
        self._every("Learn", LEARN_EVERY, self.functions.bandits.learn)
        self._roll_back_failed_executions()
        logs.SubscriptionFilter(
            self,
            "SampledTurns",
            log_group=api.log_group,
            destination=destinations.LambdaDestination(self.functions.detect.alias),
            filter_pattern=logs.FilterPattern.literal("{ $.sampled IS TRUE }"),
        )

    def _every(self, name: str, period: cdk.Duration, function: CanaryFunction) -> None:
        events.Rule(
            self,
            f"{name}Schedule",
            schedule=events.Schedule.rate(period),
            targets=[targets.LambdaFunction(function.alias, retry_attempts=0)],
        )

    def _roll_back_failed_executions(self) -> None:
        """No Catch sees an execution that fails as a whole, times out or is stopped."""
        events.Rule(
            self,
            "FailedExecutions",
            description="An execution that did not end by itself is rolled back",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [self.machine.state_machine_arn],
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                },
            ),
            targets=[targets.LambdaFunction(self.functions.rollback.alias)],
        )
