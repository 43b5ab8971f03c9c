"""The events among the lines of a log group, sent to the store."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.constructs.event_store import EventStore

__all__ = ["EVENT_LINES", "EventSubscription"]

EVENT_LINES = '{ $.event = "turn" || $.event = "outcome" || $.event = "assignment" }'
"""Metrics and log lines of the same group stay out."""


class EventSubscription(Construct):
    """Lets CloudWatch Logs put the events of `log_group` into the store's delivery stream.

    The role has its permission from the beginning: CloudWatch Logs tries it when the filter is
    made, and refuses the filter when it fails.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        log_group: logs.ILogGroup,
        store: EventStore,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        stream_arn = store.delivery.stream.attr_arn
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "logs.amazonaws.com",
                conditions={
                    "StringLike": {"aws:SourceArn": stack.format_arn(service="logs", resource="*")}
                },
            ),
            inline_policies={
                "Put": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["firehose:PutRecord", "firehose:PutRecordBatch"],
                            resources=[stream_arn],
                        )
                    ]
                )
            },
        )
        logs.CfnSubscriptionFilter(
            self,
            "Filter",
            filter_name="events",
            filter_pattern=EVENT_LINES,
            log_group_name=log_group.log_group_name,
            destination_arn=stream_arn,
            role_arn=role.role_arn,
        )
