"""Where events lie, and how Athena reads them."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.names import EVENTS_DATABASE, EVENTS_TABLE, WORKGROUP

__all__ = ["EVENTS", "EVENT_COLUMNS", "RESULTS", "EventStore"]

EVENTS = "events/"
RESULTS = "results/"

_STRINGS = (
    *("event", "event_id", "time", "region", "release_id", "test_id", "conversation_id"),
    *("unit_id", "stratum", "intent", "arm", "served_by", "model_id", "status"),
    *("policy_version", "reassigned_reason", "text"),
)
_DOUBLES = ("epoch", "p_canary", "latency_ms")
_INTEGERS = ("stage", "turn", "input_tokens", "output_tokens", "csat")
_BOOLEANS = (
    *("first_of_unit", "error", "throttled", "fallback", "slow", "sampled"),
    *("completed", "clicked", "cart_abandoned"),
)
EVENT_COLUMNS = {
    **dict.fromkeys(_STRINGS, "string"),
    **dict.fromkeys(_DOUBLES, "double"),
    **dict.fromkeys(_INTEGERS, "int"),
    **dict.fromkeys(_BOOLEANS, "boolean"),
}
"""Every field of a turn's line and of an outcome's, with its type in Athena."""


class EventStore(Construct):
    """Database, table and workgroup over `events/date=YYYY-MM-DD/` of `bucket`, JSON lines."""

    def __init__(self, scope: Construct, construct_id: str, *, bucket: s3.Bucket) -> None:
        super().__init__(scope, construct_id)
        self.bucket = bucket
        account = cdk.Stack.of(self).account
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(name=EVENTS_DATABASE),
        )
        events = f"s3://{bucket.bucket_name}/{EVENTS}"
        table = glue.CfnTable(
            self,
            "Table",
            catalog_id=account,
            database_name=EVENTS_DATABASE,
            table_input=glue.CfnTable.TableInputProperty(
                name=EVENTS_TABLE,
                table_type="EXTERNAL_TABLE",
                partition_keys=[glue.CfnTable.ColumnProperty(name="date", type="string")],
                parameters={
                    "classification": "json",
                    "projection.enabled": "true",
                    "projection.date.type": "date",
                    "projection.date.format": "yyyy-MM-dd",
                    "projection.date.range": "2026-01-01,NOW",
                    "storage.location.template": f"{events}date=${{date}}/",
                },
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    location=events,
                    columns=[
                        glue.CfnTable.ColumnProperty(name=name, type=kind)
                        for name, kind in EVENT_COLUMNS.items()
                    ],
                    input_format="org.apache.hadoop.mapred.TextInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library="org.openx.data.jsonserde.JsonSerDe"
                    ),
                ),
            ),
        )
        table.add_resource_dependency(database)
        athena.CfnWorkGroup(
            self,
            "WorkGroup",
            name=WORKGROUP,
            description="Queries of the analysis and of the looks",
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{bucket.bucket_name}/{RESULTS}",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_S3"
                    ),
                ),
            ),
        )
