"""Stack `Guardrails`: the alarms that hold a release or take traffic off the canary."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from canary.policy.compiled import CompiledPolicy
from stacks.constructs.alarm_actions import AlarmActions
from stacks.constructs.backstop_alarms import BackstopAlarms
from stacks.constructs.deploy_guard import guard
from stacks.constructs.trigger_alarms import TriggerAlarms
from stacks.progression import Progression
from stacks.state import State
from stacks.traffic import Traffic

__all__ = ["Guardrails"]


class Guardrails(cdk.Stack):
    """What watches the canary while nobody does."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        state: State,
        traffic: Traffic,
        progression: Progression,
        policy: CompiledPolicy,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        triggers = TriggerAlarms(self, "Triggers", policy=policy)
        backstops = BackstopAlarms(
            self, "Backstops", policy=policy, routes=traffic.routes, balancer=traffic.balancer
        )
        AlarmActions(
            self,
            "Actions",
            critical=[*triggers.critical, *backstops.critical],
            warning=[*triggers.warning, *backstops.warning],
            rollback=progression.functions.rollback.alias,
            pause=progression.functions.pause.alias,
            topics=state.topics,
        )
        guard(
            self,
            service_token=state.deploy_guard.service_token,
            types={"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"},
        )
