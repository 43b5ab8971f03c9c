"""Delivery streams: what a subscription puts is unpacked, kept for a while, written as Parquet.

A record that cannot be unpacked or converted is written under the error prefix with its reason,
and goes on record as a failure. A file that S3 does not take stays in the buffer.
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from canary.local.athena_tables import TYPES
from canary.local.firehose_config import DeliveryConfig, StreamError, delivery_config
from canary.local.parquet import ConversionError, write_lines

__all__ = ["DeliveryStreams"]

_log = logging.getLogger(__name__)


class Clients(Protocol):
    """Makes clients of the emulator."""

    def client(self, service: str) -> Any:
        """A client of a service, pointed at the emulator."""


class Clock(Protocol):
    """Tells the virtual time."""

    def now(self) -> float:
        """Epoch seconds."""


@dataclass
class _Stream:
    """One stream's settings and what it holds: messages, and when the first of them came."""

    config: DeliveryConfig
    messages: list[str] = field(default_factory=list)
    size: int = 0
    since: float = 0.0


class DeliveryStreams:
    """The streams of a region, by ARN. `failures` says what could not be delivered."""

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self.failures: list[str] = []
        self._clients = clients
        self._clock = clock
        self._streams: dict[str, _Stream] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def declare(self, arn: str, name: str, properties: Mapping[str, Any]) -> None:
        """Add a stream of the template, or change one. Raises `StreamError`."""
        config = delivery_config(name, properties)
        with self._lock:
            stream = self._streams.setdefault(arn, _Stream(config))
            stream.config = config

    def put(self, arn: str, data: str) -> None:
        """Take one record of a subscription: base64 of packed JSON. Raises `StreamError`."""
        stream = self._streams.get(arn)
        if stream is None:
            raise StreamError(f"there is no delivery stream {arn}")
        now = self._clock.now()
        try:
            messages = _messages(data)
        except (ValueError, OSError, KeyError) as error:
            self._write_error(stream.config, now, "decompression-failed", data, repr(error))
            return
        with self._lock:
            if not stream.messages:
                stream.since = now
            stream.messages += messages
            stream.size += sum(map(len, messages))

    def deliver(self, *, everything: bool = False) -> None:
        """Write what is old or large enough, or all of it. Never raises."""
        with self._writing:
            for stream in list(self._streams.values()):
                now = self._clock.now()
                with self._lock:
                    full = stream.size >= stream.config.size
                    due = full or now - stream.since >= stream.config.seconds
                    if not stream.messages or not (due or everything):
                        continue
                    messages, since = stream.messages, stream.since
                    stream.messages, stream.size = [], 0
                try:
                    self._write(stream.config, messages, since)
                except Exception as error:  # noqa: BLE001 - whatever S3 says, messages are kept
                    self._fail(f"{stream.config.name}: not written, tried again: {error}")
                    with self._lock:
                        stream.messages[:0], stream.since = messages, since
                        stream.size += sum(map(len, messages))

    def _write(self, config: DeliveryConfig, messages: list[str], since: float) -> None:
        columns = self._columns(config)
        try:
            body = write_lines(messages, columns)
        except ConversionError:
            messages = [each for each in messages if self._converts(config, each, columns, since)]
            if not messages:
                return
            body = write_lines(messages, columns)
        key = f"{config.folder(since)}{_file_name(config.name, since)}.parquet"
        self._put_object(config, key, body)

    def _converts(
        self, config: DeliveryConfig, message: str, columns: dict[str, str], since: float
    ) -> bool:
        try:
            write_lines([message], columns)
        except ConversionError as error:
            self._write_error(config, since, "format-conversion-failed", message, str(error))
            return False
        return True

    def _columns(self, config: DeliveryConfig) -> dict[str, str]:
        """The table's columns as they are now, with DuckDB's types."""
        table = self._clients.client("glue").get_table(
            DatabaseName=config.database, Name=config.table
        )["Table"]
        return {each["Name"]: TYPES[each["Type"]] for each in table["StorageDescriptor"]["Columns"]}

    def _write_error(
        self, config: DeliveryConfig, at: float, kind: str, raw: str, reason: str
    ) -> None:
        """A document with the reason and the record as it came."""
        self._fail(f"{config.name}: {kind}: {reason}")
        document = {
            "attemptsMade": 1,
            "arrivalTimestamp": int(at * 1000),
            "errorCode": kind,
            "errorMessage": reason,
            "rawData": base64.b64encode(raw.encode()).decode(),
        }
        key = f"{config.folder(at, kind)}{_file_name(config.name, at)}"
        self._put_object(config, key, json.dumps(document).encode())

    def _put_object(self, config: DeliveryConfig, key: str, body: bytes) -> None:
        self._clients.client("s3").put_object(Bucket=config.bucket, Key=key, Body=body)

    def _fail(self, text: str) -> None:
        self.failures.append(text)
        _log.warning("%s", text)


def _messages(data: str) -> list[str]:
    """The messages of a record; a message that only asks whether the stream is there has none."""
    content = json.loads(gzip.decompress(base64.b64decode(data, validate=True)))
    if content["messageType"] != "DATA_MESSAGE":
        return []
    return [str(each["message"]) for each in content["logEvents"]]


def _file_name(stream: str, at: float) -> str:
    return f"{stream}-1-{datetime.fromtimestamp(at, UTC):%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}"
