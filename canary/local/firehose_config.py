"""A delivery stream of a template, as far as the embedded region runs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = ["DeliveryConfig", "StreamError", "delivery_config"]

_MEGABYTE = 1024 * 1024
_LEAST_CONVERTED_MB = 64
_NEEDED = {
    "Decompression": ("CompressionFormat", "GZIP"),
    "CloudWatchLogProcessing": ("DataMessageExtraction", "true"),
}
_PLACES = re.compile(r"!\{(timestamp|firehose):([^}]*)\}")
_JAVA = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


class StreamError(ValueError):
    """A stream that AWS would refuse, or that is beyond what runs here."""


@dataclass(frozen=True)
class DeliveryConfig:
    """Where a stream writes, when, and after which table. `seconds` are of the virtual clock."""

    name: str
    bucket: str
    prefix: str
    error_prefix: str
    seconds: float
    size: int
    """Bytes."""
    database: str
    table: str

    def folder(self, at: float, error: str = "") -> str:
        """The prefix with its places filled in, for records that arrived from `at` on.

        `error` is the type of an error output, and chooses the prefix of those.
        """

        def value(match: re.Match[str]) -> str:
            if match[1] == "firehose":
                return error
            pattern = match[2]
            for java, python in _JAVA.items():
                pattern = pattern.replace(java, python)
            return datetime.fromtimestamp(at, UTC).strftime(pattern)

        return _PLACES.sub(value, self.error_prefix if error else self.prefix)


def delivery_config(name: str, properties: Mapping[str, Any]) -> DeliveryConfig:
    """Read a template's properties. Raises `StreamError`."""
    target = properties.get("ExtendedS3DestinationConfiguration")
    if target is None:
        raise StreamError(f"stream {name}: only an extended S3 destination is run")
    if _true(target.get("DynamicPartitioningConfiguration", {}).get("Enabled")):
        raise StreamError(f"stream {name}: dynamic partitioning is not run")
    _check_processors(name, target.get("ProcessingConfiguration") or {})
    conversion = target.get("DataFormatConversionConfiguration") or {}
    serializer = (conversion.get("OutputFormatConfiguration") or {}).get("Serializer") or {}
    if not _true(conversion.get("Enabled")) or "ParquetSerDe" not in serializer:
        raise StreamError(f"stream {name}: only conversion to Parquet is run")
    hints = target.get("BufferingHints") or {}
    megabytes = int(hints.get("SizeInMBs", 128))
    if megabytes < _LEAST_CONVERTED_MB:
        raise StreamError(
            f"stream {name}: a buffer of {megabytes} MB is refused where records are converted; "
            f"the least is {_LEAST_CONVERTED_MB}"
        )
    schema = conversion["SchemaConfiguration"]
    config = DeliveryConfig(
        name=name,
        bucket=str(target["BucketARN"]).rpartition(":")[2],
        prefix=str(target.get("Prefix", "")),
        error_prefix=str(target.get("ErrorOutputPrefix", "")),
        seconds=float(hints.get("IntervalInSeconds", 300)),
        size=megabytes * _MEGABYTE,
        database=str(schema["DatabaseName"]),
        table=str(schema["TableName"]),
    )
    if "!{firehose:error-output-type}" not in config.error_prefix:
        raise StreamError(f"stream {name}: the error prefix must say the type of the error")
    return config


def _check_processors(name: str, configuration: Mapping[str, Any]) -> None:
    """Exactly the two that turn what CloudWatch Logs sends into its messages."""
    processors = configuration.get("Processors") or []
    found = {
        each["Type"]: {p["ParameterName"]: p["ParameterValue"] for p in each.get("Parameters", [])}
        for each in processors
    }
    if not _true(configuration.get("Enabled")) or found.keys() != _NEEDED.keys():
        raise StreamError(
            f"stream {name}: needs the processors {sorted(_NEEDED)} and has {sorted(found)}"
        )
    for kind, (parameter, value) in _NEEDED.items():
        if found[kind].get(parameter) != value:
            raise StreamError(f"stream {name}: processor {kind} needs {parameter} {value}")


def _true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
