"""Alarms about the rollback itself: it failed, it does not end, or a person still owes it."""

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
ANSWER_SECONDS = 3600
ROOT_CAUSE_SECONDS = 86_400
"""A10: whether it was justified within an hour, why it came to it within a day."""
LATE_SECONDS = 180
"""By then the function had its time, and the reconciler has called it once more."""


class RollbackAlarms(Construct):
    """Four alarms; none is a guardrail, so none stops a release."""

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
        self._tell_of_age(
            "rollback-late",
            "RollbackSeconds",
            LATE_SECONDS,
            f"A rollback that was begun more than {LATE_SECONDS} s ago is not finished: the age "
            "that the reconciler publishes each minute while it works on one.",
            on_call,
        )
        self._tell_of_age(
            "rollback-unanswered",
            "RollbackUnansweredSeconds",
            ANSWER_SECONDS,
            "Nobody has said within an hour whether a rollback was justified: "
            "`canary diagnose RELEASE --confirm`.",
            on_call,
        )
        self._tell_of_age(
            "root-cause-owed",
            "RootCauseOwedSeconds",
            ROOT_CAUSE_SECONDS,
            "The root cause of a rollback that counts against its candidate has been wanted for a "
            "day: no release of that candidate starts before it is filed and reviewed.",
            on_call,
        )

    def _tell_of_age(
        self, name: str, metric: str, threshold: float, description: str, on_call: sns.ITopic
    ) -> None:
        """Tell when what the reconciler publishes each minute is older than it may be."""
        add_fault_alarm(
            self,
            name,
            name=name,
            description=description,
            metric=cloudwatch.Metric(
                namespace=NAMESPACE, metric_name=metric, period=_MINUTE, statistic="Maximum"
            ),
            tell=on_call,
            threshold=threshold,
        )
