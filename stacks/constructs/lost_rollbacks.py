"""Calls of the rollback function that failed for good, and the alarm that tells of them."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.alarm_limits import with_runbook

__all__ = ["LostRollbacks"]

_NAME = "rollback-dead-letters"


class LostRollbacks(Construct):
    """The function's dead-letter `queue`. Its alarm is about us, not a guardrail of the canary."""

    def __init__(self, scope: Construct, construct_id: str, *, on_call: sns.ITopic) -> None:
        super().__init__(scope, construct_id)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=_NAME,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
        alarm = cloudwatch.Alarm(
            self,
            "Alarm",
            alarm_name=_NAME,
            alarm_description=with_runbook(
                _NAME, "A call of the rollback function failed for good: look at its log."
            ),
            metric=self.queue.metric_approximate_number_of_messages_visible(
                period=cdk.Duration.minutes(1), statistic="Maximum"
            ),
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            threshold=0,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(on_call))
