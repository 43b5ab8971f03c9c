"""Delivery streams and what they write."""

from __future__ import annotations

from canary.local.cloudformation import Made, Request, handles


@handles(
    "AWS::Logs::LogStream",
    "stand-in",
    "made; nothing writes to it",
    name_property="LogStreamName",
)
def log_stream(request: Request) -> Made:
    """An empty stream of a group."""
    if request.previous is not None:
        return request.previous
    client = request.parts.emulator.client("logs")
    client.create_log_stream(
        logGroupName=request.properties["LogGroupName"], logStreamName=request.name
    )
    return Made(request.name)


@handles(
    "AWS::KinesisFirehose::DeliveryStream",
    "live",
    "takes subscriptions, unpacks, buffers, writes Parquet; no role, no key, no PutRecord",
    name_property="DeliveryStreamName",
)
def delivery_stream(request: Request) -> Made:
    """A stream of a log group's messages to S3."""
    arn = request.arn("firehose", f"deliverystream/{request.name}")
    request.parts.streams.declare(arn, request.name, request.properties)
    if request.previous is None:  # a subscription is refused unless its stream exists
        target = request.properties["ExtendedS3DestinationConfiguration"]
        request.parts.emulator.client("firehose").create_delivery_stream(
            DeliveryStreamName=request.name,
            S3DestinationConfiguration={
                "RoleARN": target["RoleARN"],
                "BucketARN": target["BucketARN"],
            },
        )
    return Made(request.name, {"Arn": arn})
