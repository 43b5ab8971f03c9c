"""Glue tables over Parquet or JSON lines in S3, loaded into DuckDB object by object."""

from __future__ import annotations

import re
import tempfile
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any, Protocol

import duckdb

__all__ = ["Clients", "TableError", "Tables"]

TYPES = {
    "string": "VARCHAR",
    "varchar": "VARCHAR",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class TableError(ValueError):
    """A table of the catalogue that cannot be read here."""


class Clients(Protocol):
    """Makes clients of the emulator."""

    def client(self, service: str) -> Any:
        """A client of a service, pointed at the emulator."""


class Tables:
    """Keeps each table of a database as a DuckDB table with what S3 holds of it.

    Objects are taken as unchanging: one that was loaded is never read again.
    """

    def __init__(self, clients: Clients, connection: duckdb.DuckDBPyConnection) -> None:
        self._clients = clients
        self._connection = connection
        self._loaded: dict[tuple[str, str], set[str]] = {}
        self._lock = threading.Lock()

    def refresh(self, database: str) -> None:
        """Load what is new of every table of a database. Raises `TableError`."""
        with self._lock:
            pages = self._clients.client("glue").get_paginator("get_tables")
            for page in pages.paginate(DatabaseName=_checked(database)):
                for table in page["TableList"]:
                    self._refresh(database, table)

    def _refresh(self, database: str, table: dict[str, Any]) -> None:
        name = _checked(table["Name"])
        storage = table["StorageDescriptor"]
        columns = {_checked(each["Name"]): _type(each) for each in storage["Columns"]}
        partitions = {
            _checked(each["Name"]): _type(each) for each in table.get("PartitionKeys") or ()
        }
        target = f'"{database}"."{name}"'
        known = self._loaded.get((database, name))
        if known is None:
            described = ", ".join(f'"{c}" {kind}' for c, kind in {**columns, **partitions}.items())
            self._connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{database}"')
            self._connection.execute(f"CREATE TABLE {target} ({described})")
            known = self._loaded[database, name] = set()
        bucket, prefix = _location(storage["Location"])
        fresh: dict[tuple[str, ...], list[str]] = defaultdict(list)
        pages = self._clients.client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", []):
                if found["Key"] not in known and found["Size"]:
                    fresh[_partition(found["Key"], partitions)].append(found["Key"])
        for values, keys in fresh.items():
            load = self._load_parquet if _is_parquet(storage) else self._load_lines
            load(target, columns, dict(zip(partitions, values, strict=True)), bucket, keys)
            known.update(keys)

    def _load_parquet(
        self,
        target: str,
        columns: dict[str, str],
        partition: dict[str, str],
        bucket: str,
        keys: list[str],
    ) -> None:
        """Columns by name: one that a file lacks is null, one that the table lacks is not read."""
        s3 = self._clients.client("s3")
        literals = "".join(f', ? AS "{name}"' for name in partition)
        with tempfile.TemporaryDirectory(prefix="canary-athena-") as directory:
            path = Path(directory) / "new.parquet"
            for key in keys:
                path.write_bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
                described = self._connection.execute(
                    "SELECT name FROM parquet_schema(?) WHERE num_children IS NULL", [str(path)]
                )
                there = {name for (name,) in described.fetchall()}
                names = ", ".join(f'"{name}"' for name in columns if name in there)
                self._connection.execute(
                    f"INSERT INTO {target} BY NAME SELECT {names}{literals} FROM read_parquet(?)",  # noqa: S608 - checked names
                    [*partition.values(), str(path)],
                )

    def _load_lines(
        self,
        target: str,
        columns: dict[str, str],
        partition: dict[str, str],
        bucket: str,
        keys: list[str],
    ) -> None:
        s3 = self._clients.client("s3")
        with tempfile.TemporaryDirectory(prefix="canary-athena-") as directory:
            path = Path(directory) / "new.json"
            with path.open("wb") as file:
                for key in keys:
                    body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                    file.write(body if body.endswith(b"\n") else body + b"\n")
            literals = "".join(f', ? AS "{name}"' for name in partition)
            schema = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
            self._connection.execute(
                f"INSERT INTO {target} BY NAME SELECT *{literals} FROM read_json("  # noqa: S608
                f"?, format = 'newline_delimited', columns = {{{schema}}})",
                [*partition.values(), str(path)],
            )


def _is_parquet(storage: dict[str, Any]) -> bool:
    library = (storage.get("SerdeInfo") or {}).get("SerializationLibrary", "")
    return "parquet" in library.lower()


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise TableError(f"{name!r} is not a name that is supported")
    return name


def _type(column: dict[str, Any]) -> str:
    kind = column["Type"].partition("(")[0].lower()
    if kind not in TYPES:
        raise TableError(f"column {column['Name']!r} has type {column['Type']!r}: not supported")
    return TYPES[kind]


def _location(location: str) -> tuple[str, str]:
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    return bucket, prefix if prefix.endswith("/") or not prefix else prefix + "/"


def _partition(key: str, partitions: dict[str, str]) -> tuple[str, ...]:
    """The partition values that an object's key states, as `name=value/`."""
    values = []
    for name in partitions:
        match = re.search(rf"(?:^|/){name}=([^/]+)/", key)
        if match is None:
            raise TableError(f"object {key!r} states no value of partition {name!r}")
        values.append(match[1])
    return tuple(values)
