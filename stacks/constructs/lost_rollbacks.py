"""Calls of rollback and pause that failed for good, and the alarm that tells of them."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.fault_alarm import add_fault_alarm

__all__ = ["LostRollbacks"]

_NAME = "rollback-dead-letters"


class LostRollbacks(Construct):
    """The functions' dead-letter `queue`. Its alarm is about us, not a guardrail of the canary."""

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
        add_fault_alarm(
            self,
            "Alarm",
            name=_NAME,
            description="A call of the rollback or the pause function failed for good: look at "
            "their logs.",
            metric=self.queue.metric_approximate_number_of_messages_visible(
                period=cdk.Duration.minutes(1), statistic="Maximum"
            ),
            tell=on_call,
        )
