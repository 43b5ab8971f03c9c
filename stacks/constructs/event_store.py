"""Where events lie, how they get there, and how Athena reads them."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from canary.events.schema import columns
from stacks.constructs.event_delivery import EventDelivery
from stacks.constructs.parquet_table import ParquetTable
from stacks.names import EVENT_DAYS_TABLE, EVENTS_DATABASE, EVENTS_TABLE, WORKGROUP

__all__ = ["DAYS", "DAY_COLUMNS", "EVENTS", "EVENT_COLUMNS", "RESULTS", "EventStore"]

EVENTS = "events/"
DAYS = "days/"
RESULTS = "results/"
SCAN_LIMIT_BYTES = 20 * 1024**3
"""A query that would read more is ended: only a mistake reads so much."""

EVENT_COLUMNS = columns()
"""Every field of any event, with its type in Athena."""
DAY_COLUMNS = {
    **dict.fromkeys(
        ("attempt", "conversation_id", "unit_id", "stratum", "arm", "drawn_unit", "drawn_arm"),
        "string",
    ),
    **dict.fromkeys(
        (
            *("first_epoch", "p_canary", "started", "resolved", "last_epoch", "slowest_ms"),
            *("drawn_at", "drawn_p"),
        ),
        "double",
    ),
    **dict.fromkeys(
        ("turns", "error", "slow", "throttled", "fallback", "refused", "tokens", "cache_hit"),
        "bigint",
    ),
    **dict.fromkeys(
        (
            *("stage", "drawn_stage", "escalated", "reassigned", "completed", "surveys", "csat"),
            *("offers", "clicked", "carts", "cart_abandoned"),
        ),
        "int",
    ),
}
"""One conversation on one day, as `canary.aws.conversations_sql` sums it up."""


class EventStore(Construct):
    """Events in Parquet by date under `bucket`, the days that are summed up, and the workgroup."""

    def __init__(self, scope: Construct, construct_id: str, *, bucket: s3.Bucket) -> None:
        super().__init__(scope, construct_id)
        self.bucket = bucket
        self.days_location = f"s3://{bucket.bucket_name}/{DAYS}"
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=cdk.Stack.of(self).account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=EVENTS_DATABASE, description="What customers and models did, by test"
            ),
        )
        events = ParquetTable(
            self,
            "Events",
            database=database,
            bucket=bucket,
            name=EVENTS_TABLE,
            description="Turns and outcomes, one row each, by the date of their arrival",
            prefix=EVENTS,
            columns=EVENT_COLUMNS,
            partitions=("date",),
        )
        ParquetTable(
            self,
            "Days",
            database=database,
            bucket=bucket,
            name=EVENT_DAYS_TABLE,
            description="Conversations of a whole day of a test, one row each",
            prefix=DAYS,
            columns=DAY_COLUMNS,
            partitions=("test_id", "date"),
        )
        self.delivery = EventDelivery(self, "Delivery", bucket=bucket, prefix=EVENTS)
        self.delivery.stream.add_resource_dependency(events.table)
        athena.CfnWorkGroup(
            self,
            "WorkGroup",
            name=WORKGROUP,
            description="Queries of the analysis and of the looks",
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=SCAN_LIMIT_BYTES,
                engine_version=athena.CfnWorkGroup.EngineVersionProperty(
                    selected_engine_version="Athena engine version 3"
                ),
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{bucket.bucket_name}/{RESULTS}",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_S3"
                    ),
                    expected_bucket_owner=cdk.Stack.of(self).account,
                ),
            ),
        )
