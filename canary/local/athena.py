"""Athena in the embedded region: DuckDB runs the deployed SQL over the emulator's objects.

The two engines agree on the subset that the product writes; a few of Trino's names are made known
to DuckDB, and integers divide as integers. What DuckDB cannot run is a failed query with its
message. Results are not written to S3, but UNLOAD writes its one Parquet file.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from moto.athena.models import AthenaBackend, Execution
from moto.athena.responses import AthenaResponse

from canary.local.athena_tables import Clients, Tables
from canary.local.parquet import copy_rows
from canary.local.patches import Patches

__all__ = ["Athena", "as_text"]

MACROS = (
    "from_iso8601_timestamp(x) AS CAST(x AS TIMESTAMP)",
    "to_unixtime(x) AS epoch(x)",
    "from_unixtime(x) AS make_timestamp(CAST(CAST(x AS DOUBLE) * 1000000 AS BIGINT))",
    "approx_percentile(x, p) AS approx_quantile(x, p)",
    "approx_distinct(x) AS approx_count_distinct(x)",
    "slice(x, first, length) AS list_slice(x, first, first + length - 1)",
)
"""Trino's names for what DuckDB calls otherwise."""

ATHENA_TYPES = {"HUGEINT": "bigint", "TIMESTAMP WITH TIME ZONE": "timestamp", "FLOAT": "real"}
MAX_RESULTS = 1000
_UNLOAD = re.compile(
    r"\s*UNLOAD\s*\((?P<query>.*)\)\s*TO\s*'s3://(?P<bucket>[^/']+)/(?P<folder>[^']*/)'\s*"
    r"WITH\s*\(\s*format\s*=\s*'PARQUET'\s*,\s*compression\s*=\s*'SNAPPY'\s*\)\s*",
    re.DOTALL,
)

Answer = tuple[list[tuple[str, str]], list[tuple[Any, ...]]]
"""Columns (name, Athena type) and rows."""


class QueryRun(Execution):
    """A query that is run: RUNNING, then SUCCEEDED with rows or FAILED with a reason."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.state = "RUNNING"
        self.reason = ""
        self.columns: list[tuple[str, str]] = []
        self.rows: list[tuple[Any, ...]] = []
        self.end_time: float | None = None  # type: ignore[assignment]

    @property
    def status(self) -> str:
        """The state as it is now."""
        return self.state

    @status.setter
    def status(self, value: str) -> None:
        self.state = value

    def advance(self) -> None:
        """Looking at a query does not move it on."""


class Athena:
    """Runs the queries of one region on a few threads, over one DuckDB in memory."""

    def __init__(self, clients: Clients) -> None:
        self._connection = duckdb.connect(":memory:", config={"threads": 1})
        for macro in MACROS:
            self._connection.execute(f"CREATE MACRO {macro}")
        self._clients = clients
        self._tables = Tables(clients, self._connection)
        self._threads = ThreadPoolExecutor(2, "athena")

    def install(self, patches: Patches) -> None:
        """Let the emulator's Athena run its queries here."""
        _start_queries(patches, self)
        _tell_why_a_query_failed(patches)
        _give_results_in_pages(patches)

    def close(self) -> None:
        """Finish what runs and forget everything."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._connection.close()

    def submit(self, run: QueryRun) -> None:
        """Run a query in the background."""
        self._threads.submit(self._run, run)

    def execute(self, database: str, sql: str) -> Answer:
        """The answer of one SELECT; of one UNLOAD, which writes its rows, nothing.

        Raises `ValueError` for another statement, `duckdb.Error` for what DuckDB refuses.
        """
        self._tables.refresh(database)
        with self._connection.cursor() as cursor:
            cursor.execute(f"SET search_path = '{database}'")
            cursor.execute("SET integer_division = true")
            if unload := _UNLOAD.fullmatch(sql):
                _only_select(cursor, unload["query"])
                self._unload(cursor, **unload.groupdict())
                return [], []
            cursor.execute(_only_select(cursor, sql))
            columns = [(each[0], _athena_type(str(each[1]))) for each in cursor.description or ()]
            return columns, cursor.fetchall()

    def _unload(
        self, cursor: duckdb.DuckDBPyConnection, query: str, bucket: str, folder: str
    ) -> None:
        """Write a query's rows into a folder, which must be empty, as AWS has it."""
        s3 = self._clients.client("s3")
        if s3.list_objects_v2(Bucket=bucket, Prefix=folder, MaxKeys=1).get("Contents"):
            raise ValueError(f"HIVE_PATH_ALREADY_EXISTS: s3://{bucket}/{folder}")
        with tempfile.TemporaryDirectory(prefix="canary-unload-") as directory:
            target = Path(directory) / "rows.parquet"
            copy_rows(cursor, query, target)
            s3.put_object(Bucket=bucket, Key=f"{folder}0.parquet", Body=target.read_bytes())

    def _run(self, run: QueryRun) -> None:
        try:
            run.columns, run.rows = self._answer(run)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the query's failure
            run.reason = str(error)
            state = "FAILED"
        else:
            state = "SUCCEEDED"
        run.end_time = time.time()
        run.state = state

    def _answer(self, run: QueryRun) -> Answer:
        if run.execution_parameters:
            raise ValueError("ExecutionParameters are not supported")
        context: Any = run.context or {}
        return self.execute(context.get("Database") or "default", run.query)


def _only_select(cursor: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    statements = cursor.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ValueError("only one SELECT statement, or one UNLOAD of it, is supported")
    return statements[0]


def as_text(value: Any) -> str | None:
    """A value as Athena's results show it; None for NULL."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}"
    if isinstance(value, list):
        return f"[{', '.join(as_text(each) or 'null' for each in value)}]"
    if isinstance(value, int | str | Decimal | dt.date):
        return str(value)
    raise TypeError(f"a result of type {type(value).__name__} is not supported")


def _double(value: float) -> str:
    """A double as Java prints it: plain from a thousandth to ten million, else 1.0E7."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:  # noqa: PLR2004 - Java's limits
        plain = repr(value)
        return plain if "e" not in plain else f"{Decimal(plain):f}"
    digits, exponent = f"{Decimal(repr(value)):E}".split("E")
    short = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return f"{short if '.' in short else short + '.0'}E{int(exponent)}"


def _athena_type(duckdb_type: str) -> str:
    if duckdb_type.endswith("[]"):
        return "array"
    plain = duckdb_type.partition("(")[0]
    return ATHENA_TYPES.get(plain, plain.lower())


def _start_queries(patches: Patches, engine: Athena) -> None:
    """Moto's queries succeed without running."""

    def start_query_execution(  # noqa: PLR0917 - as the original
        self: AthenaBackend,
        query: str,
        context: Any,
        config: Any,
        workgroup: str,
        execution_parameters: list[str] | None,
    ) -> str:
        run = QueryRun(
            query=query,
            context=context,
            config=config,
            workgroup=self.work_groups.get(workgroup or "primary"),
            execution_parameters=execution_parameters,
        )
        self.executions[run.id] = run
        engine.submit(run)
        return str(run.id)

    patches.set(AthenaBackend, "start_query_execution", start_query_execution)


def _tell_why_a_query_failed(patches: Patches) -> None:
    """Moto's GetQueryExecution has no reason, and an end before there is one."""
    original: Callable[[AthenaResponse], str] = AthenaResponse.get_query_execution

    def get_query_execution(self: AthenaResponse) -> str:
        answer = json.loads(original(self))
        execution = answer["QueryExecution"]
        run = self.athena_backend.executions[execution["QueryExecutionId"]]
        status = execution["Status"]
        if run.end_time is None:
            del status["CompletionDateTime"]
        if isinstance(run, QueryRun) and status["State"] == "FAILED":
            status["StateChangeReason"] = run.reason
            status["AthenaError"] = {
                "ErrorCategory": 2,
                "ErrorType": 1006,
                "Retryable": False,
                "ErrorMessage": run.reason,
            }
        return json.dumps(answer)

    patches.set(AthenaResponse, "get_query_execution", get_query_execution)


def _give_results_in_pages(patches: Patches) -> None:
    """Moto has no results, and no pages of them."""

    def get_query_results(self: AthenaResponse) -> Any:
        run = self.athena_backend.executions[self._get_param("QueryExecutionId")]
        assert isinstance(run, QueryRun)
        if run.status != "SUCCEEDED":
            return self.error(f"Query has not yet finished. Current state: {run.status}", 400)
        start = int(self._get_param("NextToken") or 0)
        most = int(self._get_param("MaxResults") or MAX_RESULTS)
        header = [tuple(name for name, _ in run.columns)]
        rows = [*header, *run.rows][start : start + most]
        answer: dict[str, Any] = {
            "UpdateCount": 0,
            "ResultSet": {
                "Rows": [{"Data": [_cell(value) for value in row]} for row in rows],
                "ResultSetMetadata": {
                    "ColumnInfo": [
                        {"Name": name, "Label": name, "Type": kind, "CatalogName": "hive"}
                        for name, kind in run.columns
                    ]
                },
            },
        }
        if start + most < len(run.rows) + 1:
            answer["NextToken"] = str(start + most)
        return json.dumps(answer)

    patches.set(AthenaResponse, "get_query_results", get_query_results)


def _cell(value: Any) -> dict[str, str]:
    text = as_text(value)
    return {} if text is None else {"VarCharValue": text}
