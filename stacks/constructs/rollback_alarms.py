"""Alarms about the rollback itself, for the person on call: it failed, or it does not end."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.alarm_limits import with_runbook
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
        self._on_call = on_call
        self._alarm(
            "rollback-failed",
            "A call of the rollback function ended in an error. It is called again, and traffic "
            "may be safe already: steps are tried even when another failed.",
            rollback.metric_errors(period=_MINUTE, statistic="Sum"),
            threshold=0,
        )
        self._alarm(
            "rollback-late",
            f"A rollback that was begun more than {LATE_SECONDS} s ago is not finished: the age "
            "that the reconciler publishes each minute while it works on one.",
            cloudwatch.Metric(
                namespace=NAMESPACE,
                metric_name="RollbackSeconds",
                period=_MINUTE,
                statistic="Maximum",
            ),
            threshold=LATE_SECONDS,
        )

    def _alarm(
        self, name: str, description: str, metric: cloudwatch.IMetric, *, threshold: float
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=name,
            alarm_description=with_runbook(name, description),
            metric=metric,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            threshold=threshold,
            evaluation_periods=1,
            # Nothing failed, or nothing is rolled back: neither metric has a value then.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self._on_call))
