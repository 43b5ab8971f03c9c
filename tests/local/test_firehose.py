"""Delivery streams: unpacked, buffered, written as Parquet where the template says."""

from __future__ import annotations

import base64
import copy
import gzip
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from canary.local import firehose_config
from canary.local.event_files import EventFiles
from canary.local.firehose import DeliveryStreams
from canary.local.firehose_config import StreamError, delivery_config
from canary.local.log_delivery import subscription_event
from tests.local.alarm_bench import ACCOUNT, REGION, START, StillClock

ARN = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/events"
BUCKET = "the-lake"
PROPERTIES: dict[str, Any] = {
    "ExtendedS3DestinationConfiguration": {
        "BucketARN": f"arn:aws:s3:::{BUCKET}",
        "Prefix": "events/date=!{timestamp:yyyy-MM-dd}/",
        "ErrorOutputPrefix": "bad/!{firehose:error-output-type}/",
        "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": "64"},
        "ProcessingConfiguration": {
            "Enabled": "true",
            "Processors": [
                {
                    "Type": "Decompression",
                    "Parameters": [
                        {"ParameterName": "CompressionFormat", "ParameterValue": "GZIP"}
                    ],
                },
                {
                    "Type": "CloudWatchLogProcessing",
                    "Parameters": [
                        {"ParameterName": "DataMessageExtraction", "ParameterValue": "true"}
                    ],
                },
            ],
        },
        "DataFormatConversionConfiguration": {
            "Enabled": True,
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            "SchemaConfiguration": {"DatabaseName": "canary", "TableName": "events"},
        },
    }
}


class Room:
    """One stream over an emulated bucket, at a clock that a test moves."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self.s3 = boto3.client("s3", region_name=REGION)
        self.s3.create_bucket(Bucket=BUCKET)
        glue = boto3.client("glue", region_name=REGION)
        glue.create_database(DatabaseInput={"Name": "canary"})
        columns = [{"Name": "event_id", "Type": "string"}, {"Name": "stage", "Type": "int"}]
        glue.create_table(
            DatabaseName="canary",
            TableInput={"Name": "events", "StorageDescriptor": {"Columns": columns}},
        )
        self.streams = DeliveryStreams(boto3.Session(region_name=REGION), self.clock)
        self.streams.declare(ARN, "events", PROPERTIES)

    def put(self, *messages: Any, kind: str = "DATA_MESSAGE") -> None:
        lines = [each if isinstance(each, str) else json.dumps(each) for each in messages]
        events = [{"id": "1", "timestamp": 0, "message": line} for line in lines]
        event = subscription_event("/group", "tasks", "events", events, owner=ACCOUNT)
        data = event["awslogs"]["data"]
        if kind != "DATA_MESSAGE":
            content = json.loads(gzip.decompress(base64.b64decode(data)))
            data = base64.b64encode(
                gzip.compress(json.dumps(content | {"messageType": kind}).encode())
            ).decode()
        self.streams.put(ARN, data)

    def objects(self) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [each["Key"] for each in listed]

    def stored(self) -> list[dict[str, Any]]:
        return list(EventFiles(self.s3, f"s3://{BUCKET}/events/").read())


@pytest.fixture
def room(aws_keys: None) -> Iterator[Room]:
    with mock_aws():
        yield Room()


def test_deliver_when_the_interval_is_over_then_one_file_has_every_message(room: Room) -> None:
    """Buffered for the template's seconds; columns of the table only, typed as it says."""
    room.put({"event_id": "a", "stage": 1, "unknown": "dropped"})
    room.clock.at += 59
    room.put({"event_id": "b", "stage": None})
    room.streams.deliver()
    assert room.objects() == []
    room.clock.at += 1
    room.streams.deliver()
    room.streams.deliver()
    (key,) = room.objects()
    assert key.startswith("events/date=2026-11-24/events-1-")
    assert key.endswith(".parquet")
    assert room.stored() == [{"event_id": "a", "stage": 1}, {"event_id": "b", "stage": None}]


def test_deliver_when_midnight_passes_then_the_file_has_the_date_of_its_oldest_record(
    room: Room,
) -> None:
    """The date of a file is one of arrival, so a look must read one day more on either side."""
    room.clock.at = START - START % 86_400 + 86_400 - 30
    room.put({"event_id": "before", "stage": 1})
    room.clock.at += 60
    room.put({"event_id": "after", "stage": 1})
    room.streams.deliver()
    assert [key.split("/")[1] for key in room.objects()] == ["date=2026-11-24"]
    assert len(room.stored()) == 2


def test_deliver_when_everything_is_asked_for_then_nothing_waits(room: Room) -> None:
    """The end of a run flushes what is younger than the interval."""
    room.put({"event_id": "a", "stage": 1})
    room.streams.deliver(everything=True)
    assert len(room.stored()) == 1


def test_deliver_when_the_buffer_is_full_then_does_not_wait(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size or time, whichever comes first; with a megabyte of 1,024 bytes, for haste."""
    monkeypatch.setattr(firehose_config, "_MEGABYTE", 1024)
    room.streams.declare(ARN, "events", PROPERTIES)
    room.put({"event_id": "x" * 63 * 1024, "stage": 1})
    room.streams.deliver()
    assert room.objects() == []
    room.put({"event_id": "y" * 1024, "stage": 1})
    room.streams.deliver()
    assert len(room.objects()) == 1


def test_deliver_when_s3_refuses_then_messages_are_kept_in_order(room: Room) -> None:
    """An event is never lost to a failed write, and never written twice for it."""
    room.put({"event_id": "a", "stage": 1})
    room.s3.delete_bucket(Bucket=BUCKET)
    room.streams.deliver(everything=True)
    assert "tried again" in room.streams.failures[0]
    room.put({"event_id": "b", "stage": 1})
    room.s3.create_bucket(Bucket=BUCKET)
    room.streams.deliver(everything=True)
    assert [each["event_id"] for each in room.stored()] == ["a", "b"]


def test_deliver_when_a_message_does_not_convert_then_only_that_one_is_an_error(room: Room) -> None:
    """It lies under the error prefix with its reason, and the others are stored."""
    room.put({"event_id": "a", "stage": 1}, {"event_id": "b", "stage": "one"}, "{broken")
    room.streams.deliver(everything=True)
    assert [each["event_id"] for each in room.stored()] == ["a"]
    bad = [key for key in room.objects() if key.startswith("bad/format-conversion-failed/")]
    assert len(bad) == 2
    document = json.loads(room.s3.get_object(Bucket=BUCKET, Key=bad[0])["Body"].read())
    assert document["errorMessage"]
    assert len(room.streams.failures) == 2


def test_put_when_a_record_cannot_be_unpacked_then_is_an_error(room: Room) -> None:
    """Told under the error prefix as what it is."""
    room.streams.put(ARN, base64.b64encode(b"plain").decode())
    assert [key.rsplit("/", 1)[0] for key in room.objects()] == ["bad/decompression-failed"]


def test_put_when_cloudwatch_logs_only_asks_then_nothing_is_stored(room: Room) -> None:
    """A control message is no event."""
    room.put({"event_id": "a"}, kind="CONTROL_MESSAGE")
    room.streams.deliver(everything=True)
    assert room.objects() == []


def test_put_when_no_such_stream_then_is_an_error(room: Room) -> None:
    """A record for an unknown stream is not dropped in silence."""
    with pytest.raises(StreamError, match="no delivery stream"):
        room.streams.put(f"{ARN}-other", "")


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("BufferingHints", "SizeInMBs"), 5, "the least is 64"),
        (("DataFormatConversionConfiguration", "Enabled"), "false", "only conversion to Parquet"),
        (("DynamicPartitioningConfiguration",), {"Enabled": True}, "dynamic partitioning"),
        (("ProcessingConfiguration", "Processors"), [], "needs the processors"),
        (("ProcessingConfiguration", "Enabled"), False, "needs the processors"),
        (("ErrorOutputPrefix",), "bad/", "type of the error"),
    ],
)
def test_declare_when_aws_would_refuse_it_or_we_cannot_run_it_then_is_an_error(
    path: tuple[str, ...], value: Any, reason: str
) -> None:
    """A stream that would run differently here stops the region at its start."""
    changed = copy.deepcopy(PROPERTIES)
    place = changed["ExtendedS3DestinationConfiguration"]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(StreamError, match=reason):
        delivery_config("events", changed)
