"""Alarms about our own machinery: a person is told, and no release stops for them."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.alarm_limits import with_runbook

__all__ = ["add_fault_alarm"]


def add_fault_alarm(
    scope: Construct,
    construct_id: str,
    *,
    name: str,
    description: str,
    metric: cloudwatch.IMetric,
    tell: sns.ITopic,
    threshold: float = 0,
) -> None:
    """Tell a topic once `metric` is above the threshold in one period.

    Raises `AlarmLimitError` for a description that CloudWatch would refuse.
    """
    alarm = cloudwatch.Alarm(
        scope,
        construct_id,
        alarm_name=name,
        alarm_description=with_runbook(name, description),
        metric=metric,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        threshold=threshold,
        evaluation_periods=1,
        # Nothing failed, or there is nothing to measure: such a metric has no value then.
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    alarm.add_alarm_action(actions.SnsAction(tell))
