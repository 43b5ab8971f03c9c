"""Delivery streams and what they write."""

from __future__ import annotations

from canary.local.cloudformation import Made, Request, handles, native

native("AWS::Logs::LogStream", "stand-in", "recorded; nothing writes to it")


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
