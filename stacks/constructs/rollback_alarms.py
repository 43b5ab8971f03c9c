"""Alarms about the rollback itself, for the person on call: it failed, or it does not end."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.fault_alarm import add_fault_alarm
from stacks.names import NAMESPACE

__all__ = ["RollbackAlarms"]

_MINUTE = cdk.Duration.minutes(1)
LATE_SECONDS = 180
"""By then the function had its time, and the reconciler has called it once more."""


class RollbackAlarms(Construct):
    """`rollback-failed` and `rollback-late`; neither is a guardrail, so neither stops a release."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        rollback: lambda_.IFunction,
        on_call: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        add_fault_alarm(
            self,
            "rollback-failed",
            name="rollback-failed",
            description="A call of the rollback function ended in an error. It is called again, "
            "and traffic may be safe already: steps are tried even when another failed.",
            metric=rollback.metric_errors(period=_MINUTE, statistic="Sum"),
            tell=on_call,
        )
        add_fault_alarm(
            self,
            "rollback-late",
            name="rollback-late",
            description=f"A rollback that was begun more than {LATE_SECONDS} s ago is not "
            "finished: the age that the reconciler publishes each minute while it works on one.",
            metric=cloudwatch.Metric(
                namespace=NAMESPACE,
                metric_name="RollbackSeconds",
                period=_MINUTE,
                statistic="Maximum",
            ),
            tell=on_call,
            threshold=LATE_SECONDS,
        )
