"""How events get from a log group to the store: a delivery stream, and who may do what in it."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

from stacks.acknowledge import acknowledge
from stacks.arns import resource_arn
from stacks.names import DELIVERY_LOGS, DELIVERY_STREAM, EVENTS_DATABASE, EVENTS_TABLE

__all__ = ["ERRORS", "EventDelivery"]

ERRORS = "undelivered/"
_BUFFER_MB = 64
"""The least that AWS takes where records are converted to Parquet."""
_BUFFER_SECONDS = 60
_DATE = "date=!{timestamp:yyyy-MM-dd}/"
"""When the oldest record of a file arrived, in UTC."""


class EventDelivery(Construct):
    """Unpacks what CloudWatch Logs sends, and writes one Parquet file a minute and date.

    What cannot be unpacked or converted lies under `undelivered/` with the reason. `prefix` is
    where the table `events` looks.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, bucket: s3.IBucket, prefix: str
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=DELIVERY_LOGS,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        stream = logs.LogStream(
            self, "LogStream", log_group=log_group, log_stream_name="S3Delivery"
        )
        role = self._role(bucket, prefix, log_group)
        config = firehose.CfnDeliveryStream
        self.stream = firehose.CfnDeliveryStream(
            self,
            "Stream",
            delivery_stream_name=DELIVERY_STREAM,
            delivery_stream_type="DirectPut",
            delivery_stream_encryption_configuration_input=(
                config.DeliveryStreamEncryptionConfigurationInputProperty(key_type="AWS_OWNED_CMK")
            ),
            extended_s3_destination_configuration=config.ExtendedS3DestinationConfigurationProperty(
                bucket_arn=bucket.bucket_arn,
                role_arn=role.role_arn,
                prefix=f"{prefix}{_DATE}",
                error_output_prefix=f"{ERRORS}!{{firehose:error-output-type}}/{_DATE}",
                compression_format="UNCOMPRESSED",
                buffering_hints=config.BufferingHintsProperty(
                    interval_in_seconds=_BUFFER_SECONDS, size_in_m_bs=_BUFFER_MB
                ),
                processing_configuration=config.ProcessingConfigurationProperty(
                    enabled=True,
                    processors=[
                        _processor("Decompression", "CompressionFormat", "GZIP"),
                        _processor("CloudWatchLogProcessing", "DataMessageExtraction", "true"),
                    ],
                ),
                data_format_conversion_configuration=self._conversion(role),
                cloud_watch_logging_options=config.CloudWatchLoggingOptionsProperty(
                    enabled=True,
                    log_group_name=log_group.log_group_name,
                    log_stream_name=stream.log_stream_name,
                ),
            ),
        )

    def _conversion(
        self, role: iam.Role
    ) -> firehose.CfnDeliveryStream.DataFormatConversionConfigurationProperty:
        config = firehose.CfnDeliveryStream
        return config.DataFormatConversionConfigurationProperty(
            enabled=True,
            input_format_configuration=config.InputFormatConfigurationProperty(
                deserializer=config.DeserializerProperty(
                    open_x_json_ser_de=config.OpenXJsonSerDeProperty()
                )
            ),
            output_format_configuration=config.OutputFormatConfigurationProperty(
                serializer=config.SerializerProperty(
                    parquet_ser_de=config.ParquetSerDeProperty(compression="SNAPPY")
                )
            ),
            schema_configuration=config.SchemaConfigurationProperty(
                catalog_id=cdk.Stack.of(self).account,
                database_name=EVENTS_DATABASE,
                table_name=EVENTS_TABLE,
                region=cdk.Stack.of(self).region,
                role_arn=role.role_arn,
                version_id="LATEST",
            ),
        )

    def _role(self, bucket: s3.IBucket, prefix: str, log_group: logs.LogGroup) -> iam.Role:
        """Write under two prefixes, read one table's schema, and log; there from the beginning."""
        account = cdk.Stack.of(self).account
        catalog = ("catalog", f"database/{EVENTS_DATABASE}")
        table = f"table/{EVENTS_DATABASE}/{EVENTS_TABLE}"
        folders = (prefix, ERRORS)
        statements = [
            iam.PolicyStatement(
                sid="FindTheBucket",
                actions=[
                    "s3:GetBucketLocation",
                    "s3:ListBucket",
                    "s3:ListBucketMultipartUploads",
                ],
                resources=[bucket.bucket_arn],
            ),
            iam.PolicyStatement(
                sid="WriteFiles",
                actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                resources=[bucket.arn_for_objects(f"{folder}*") for folder in folders],
            ),
            iam.PolicyStatement(
                sid="ReadTheSchema",
                actions=["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
                resources=[resource_arn(self, "glue", path) for path in (*catalog, table)],
            ),
            iam.PolicyStatement(
                sid="SayWhatFailed",
                actions=["logs:PutLogEvents"],
                resources=[log_group.log_group_arn],
            ),
        ]
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "firehose.amazonaws.com",
                conditions={"StringEquals": {"sts:ExternalId": account}},
            ),
            inline_policies={"Deliver": iam.PolicyDocument(statements=statements)},
        )
        shown = cdk.Stack.of(self).get_logical_id(_resource(bucket))
        for folder in folders:
            acknowledge(
                role,
                f"AwsSolutions-IAM5[Resource::<{shown}.Arn>/{folder}*]",
                "Each file that the stream writes has a new name under this prefix.",
            )
        return role


def _resource(construct: IConstruct) -> cdk.CfnElement:
    resource = construct.node.default_child
    assert isinstance(resource, cdk.CfnElement)
    return resource


def _processor(
    kind: str, parameter: str, value: str
) -> firehose.CfnDeliveryStream.ProcessorProperty:
    return firehose.CfnDeliveryStream.ProcessorProperty(
        type=kind,
        parameters=[
            firehose.CfnDeliveryStream.ProcessorParameterProperty(
                parameter_name=parameter, parameter_value=value
            )
        ],
    )
