"""The two composites, and what happens when an alarm goes off."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import (
    aws_cloudwatch as cloudwatch,
)
from aws_cdk import (
    aws_events as events,
)
from aws_cdk import (
    aws_events_targets as targets,
)
from aws_cdk import (
    aws_lambda as lambda_,
)
from constructs import Construct

from stacks.constructs.alarm_limits import check_composite, with_runbook
from stacks.constructs.topics import Topics
from stacks.names import CRITICAL_ALARM, WARNING_ALARM

__all__ = ["AlarmActions"]


class AlarmActions(Construct):
    """Critical: the rollback function and the person on call, at once and never suppressed.

    Warning: people. Each child's own transition pauses the release, by a rule: a composite that is
    in ALARM already does not act again when another child joins it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        critical: Sequence[cloudwatch.Alarm],
        warning: Sequence[cloudwatch.Alarm],
        rollback: lambda_.IAlias,
        pause: lambda_.IAlias,
        topics: Topics,
    ) -> None:
        super().__init__(scope, construct_id)
        worst = self._composite(
            "Critical",
            CRITICAL_ALARM,
            "The canary must not go on: it is rolled back.",
            critical,
            [rollback.function_arn, topics.on_call.topic_arn],
        )
        # Made here, not by the alias: its stack must not depend on this one.
        lambda_.CfnPermission(
            self,
            "CriticalMayRollBack",
            action="lambda:InvokeFunction",
            function_name=rollback.function_arn,
            principal="lambda.alarms.cloudwatch.amazonaws.com",
            source_account=cdk.Stack.of(self).account,
            source_arn=worst.attr_arn,
        )
        self._composite(
            "Warning",
            WARNING_ALARM,
            "The canary is doubtful: the release is held.",
            warning,
            [topics.on_call.topic_arn, topics.ml_engineers.topic_arn],
        )
        events.Rule(
            self,
            "WarningsPause",
            description="Each warning's own transition holds the release",
            event_pattern=events.EventPattern(
                source=["aws.cloudwatch"],
                detail_type=["CloudWatch Alarm State Change"],
                detail={
                    "alarmName": [alarm.alarm_name for alarm in warning],
                    "state": {"value": ["ALARM"]},
                },
            ),
            targets=[targets.LambdaFunction(pause)],
        )

    def _composite(
        self,
        construct_id: str,
        name: str,
        description: str,
        children: Sequence[cloudwatch.Alarm],
        actions: list[str],
    ) -> cloudwatch.CfnCompositeAlarm:
        # By construct ids, which are the names: in the rule they are references.
        check_composite(name, [alarm.node.id for alarm in children])
        return cloudwatch.CfnCompositeAlarm(
            self,
            construct_id,
            alarm_name=name,
            alarm_description=with_runbook(name, description),
            alarm_rule=" OR ".join(f'ALARM("{alarm.alarm_name}")' for alarm in children),
            actions_enabled=True,
            alarm_actions=actions,
        )
