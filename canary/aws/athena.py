"""Athena: start queries together, wait for them, hand back their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from canary.aws import clock

__all__ = ["Athena", "QueryError", "Row", "Tables"]

_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 120.0

Row = dict[str, str | None]


class QueryError(RuntimeError):
    """A query failed, was cancelled, or took too long."""


@dataclass(frozen=True)
class Tables:
    """Where the events are."""

    athena_workgroup: str
    events_database: str
    events_table: str
    event_days_table: str


class Athena:
    """Runs queries in one workgroup: they read, and `unload` writes files beside the table."""

    def __init__(self, client: Any, tables: Tables) -> None:
        self._client = client
        self._tables = tables
        self.table = tables.events_table
        self.days_table = tables.event_days_table

    def run(self, queries: Sequence[str]) -> list[list[Row]]:
        """The rows of each query, by column name; raises `QueryError`."""
        running = [self._start(query) for query in queries]
        deadline = clock.monotonic() + _PATIENCE_SECONDS
        for query_id in running:
            self._wait(query_id, deadline)
        return [self._rows(query_id) for query_id in running]

    def unload(self, query: str, folder: str) -> None:
        """Write the rows of a query as Parquet into an empty folder, `s3://.../`.

        Raises `QueryError`; files may then be there, not all of them.
        """
        form = "format = 'PARQUET', compression = 'SNAPPY'"
        statement = f"UNLOAD (\n{query}\n)\nTO '{folder}'\nWITH ({form})"
        self._wait(self._start(statement), clock.monotonic() + _PATIENCE_SECONDS)

    def _start(self, query: str) -> str:
        answer = self._client.start_query_execution(
            QueryString=query,
            QueryExecutionContext={"Database": self._tables.events_database},
            WorkGroup=self._tables.athena_workgroup,
        )
        return str(answer["QueryExecutionId"])

    def _wait(self, query_id: str, deadline: float) -> None:
        while True:
            answer = self._client.get_query_execution(QueryExecutionId=query_id)
            status = answer["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                return
            if status["State"] in ("FAILED", "CANCELLED"):
                raise QueryError(f"{status['State']}: {status.get('StateChangeReason', query_id)}")
            if clock.monotonic() > deadline:
                raise QueryError(f"query {query_id} is still {status['State']}")
            clock.sleep(_POLL_SECONDS)

    def _rows(self, query_id: str) -> list[Row]:
        names: list[str] = []
        rows: list[Row] = []
        pages = self._client.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
        for page in pages:
            for row in page["ResultSet"]["Rows"]:
                values = [cell.get("VarCharValue") for cell in row["Data"]]
                if names:
                    rows.append(dict(zip(names, values, strict=True)))
                else:
                    names = [str(value) for value in values]
        return rows
