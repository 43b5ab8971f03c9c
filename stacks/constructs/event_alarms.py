"""Alarms about events on their way to the store: some were dropped, or they come late."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.fault_alarm import add_fault_alarm
from stacks.names import DELIVERY_STREAM, NAMESPACE

__all__ = ["EventAlarms"]

LATE_SECONDS = 900
"""The stream writes a file a minute; a decision waits for what is later than its watermark."""
_PERIOD = cdk.Duration.minutes(5)


class EventAlarms(Construct):
    """`events-dropped` and `events-late`: decisions are held by what they count, so tell a person.

    Neither is a guardrail: without events a verdict is INCONCLUSIVE by itself.
    """

    def __init__(self, scope: Construct, construct_id: str, *, on_call: sns.ITopic) -> None:
        super().__init__(scope, construct_id)
        add_fault_alarm(
            self,
            "events-dropped",
            name="events-dropped",
            description="An API task dropped lines, because nobody read its standard output fast "
            "enough or because an event did not keep to the schema: its log says which.",
            metric=cloudwatch.Metric(
                namespace=NAMESPACE, metric_name="EventsDropped", period=_PERIOD, statistic="Sum"
            ),
            tell=on_call,
        )
        add_fault_alarm(
            self,
            "events-late",
            name="events-late",
            description=f"The delivery stream holds events older than {LATE_SECONDS // 60} "
            "minutes: verdicts go without them.",
            metric=cloudwatch.Metric(
                namespace="AWS/Firehose",
                metric_name="DeliveryToS3.DataFreshness",
                dimensions_map={"DeliveryStreamName": DELIVERY_STREAM},
                period=_PERIOD,
                statistic="Maximum",
            ),
            tell=on_call,
            threshold=LATE_SECONDS,
        )
