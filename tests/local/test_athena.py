"""Athena: the deployed SQL over objects in S3, run by DuckDB, answered as Athena answers."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
import duckdb
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from canary.aws import facts_sql
from canary.aws.facts_sql import Window
from canary.local.athena import MACROS, Athena, as_text
from canary.local.patches import Patches
from canary.policy.compiled import Metric
from stacks.constructs.event_store import EVENT_COLUMNS
from tests.local.alarm_bench import REGION, START

BUCKET = "the-lake"


class Lake:
    """A Glue table over a bucket, and the patched Athena before it."""

    def __init__(self, engine: Athena) -> None:
        self.engine = engine
        self.s3 = boto3.client("s3", region_name=REGION)
        self.s3.create_bucket(Bucket=BUCKET)
        self.athena = boto3.client("athena", region_name=REGION)
        self.athena.create_work_group(Name="canary")
        glue = boto3.client("glue", region_name=REGION)
        glue.create_database(DatabaseInput={"Name": "canary"})
        glue.create_table(
            DatabaseName="canary",
            TableInput={
                "Name": "events",
                "PartitionKeys": [{"Name": "date", "Type": "string"}],
                "StorageDescriptor": {
                    "Location": f"s3://{BUCKET}/events/",
                    "Columns": [
                        {"Name": name, "Type": kind} for name, kind in EVENT_COLUMNS.items()
                    ],
                },
            },
        )
        self.objects = 0

    def put(self, *events: dict[str, Any], date: str = "2026-11-24") -> None:
        self.objects += 1
        self.s3.put_object(
            Bucket=BUCKET,
            Key=f"events/date={date}/{self.objects}.json",
            Body="\n".join(map(json.dumps, events)).encode(),
        )

    def start(self, sql: str, **options: Any) -> tuple[str, dict[str, Any]]:
        query = self.athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": "canary"},
            WorkGroup="canary",
            **options,
        )["QueryExecutionId"]
        while True:
            execution = self.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            if execution["Status"]["State"] != "RUNNING":
                return query, execution["Status"]
            time.sleep(0.01)

    def rows(self, sql: str) -> list[list[str | None]]:
        query, status = self.start(sql)
        assert status["State"] == "SUCCEEDED", status
        found: list[list[str | None]] = []
        pages = self.athena.get_paginator("get_query_results").paginate(QueryExecutionId=query)
        for page in pages:
            found += [
                [cell.get("VarCharValue") for cell in row["Data"]]
                for row in page["ResultSet"]["Rows"]
            ]
        return found


@pytest.fixture
def lake(aws_keys: None) -> Iterator[Lake]:
    with mock_aws():
        engine, patches = Athena(boto3.Session(region_name=REGION)), Patches()
        engine.install(patches)
        yield Lake(engine)
        engine.close()
        patches.undo()


def conversation(number: int, arm: str) -> list[dict[str, Any]]:
    shared = {
        "release_id": "r1",
        "conversation_id": f"c{number}",
        "unit_id": f"u{number // 2}",
        "stratum": "checkout_help" if number % 3 else "chitchat",
        "arm": arm,
        "p_canary": 0.25,
        "stage": 1 + number // 100,
    }
    turn = {
        **shared,
        "event": "turn",
        "event_id": f"t{number}",
        "epoch": START + number,
        "first_of_unit": number % 2 == 0,
        "error": number % 7 == 0,
        "slow": False,
        "throttled": False,
        "fallback": False,
        "latency_ms": 500.5 + number,
        "status": "ok",
        "intent": "faq",
        "reassigned_reason": None,
        "unknown_field": {"nested": [1]},
    }
    outcome = {
        **shared,
        "event": "outcome",
        "event_id": f"o{number}",
        "epoch": START + number + 60,
        "completed": number % 5 != 0,
        "csat": None if number % 4 else 3,
    }
    return [turn, outcome]


def fill(lake: Lake) -> list[dict[str, Any]]:
    events = [
        event
        for number in range(200)
        for event in conversation(number, "canary" if number // 2 % 4 == 0 else "control")
    ]
    for start in range(0, len(events), 100):
        lake.put(*events[start : start + 100])
    lake.put(*events[:50])
    return events


METRICS = (
    Metric("error", "guardrail", "rate", "turns", "error", "turns", "lower"),
    Metric("completion", "success", "rate", "outcomes", "completed", "outcomes", "higher"),
    Metric("csat", "success", "mean", "outcomes", "csat", "surveys", "higher"),
)
WINDOW = Window("r1", START - 60, START, START + 3600)


@pytest.mark.parametrize(
    "sql",
    [
        facts_sql.cells("events", WINDOW, METRICS),
        facts_sql.latency("events", WINDOW),
        facts_sql.draws("events", WINDOW),
    ],
    ids=["cells", "latency", "draws"],
)
def test_query_when_a_look_asks_then_equals_duckdb_on_the_same_rows(lake: Lake, sql: str) -> None:
    """The deployed SQL gives what DuckDB gives directly, repeated deliveries included."""
    events = fill(lake)
    direct = duckdb.connect(":memory:")
    kinds = {"string": "VARCHAR", "double": "DOUBLE", "int": "INTEGER", "boolean": "BOOLEAN"}
    columns = {**EVENT_COLUMNS, "date": "string"}
    described = ", ".join(f'"{name}" {kinds[kind]}' for name, kind in columns.items())
    direct.execute(f"CREATE TABLE events ({described})")
    direct.executemany(
        f"INSERT INTO events VALUES ({', '.join('?' * len(columns))})",
        [[{**event, "date": "2026-11-24"}.get(name) for name in columns] for event in events],
    )
    expected = direct.execute(sql).fetchall()
    header, *found = lake.rows(sql)
    assert header == [each[0] for each in direct.description or ()]
    assert found == [[as_text(value) for value in row] for row in expected]
    assert len(found) > 1


def test_query_when_new_objects_come_then_sees_them_and_reads_none_twice(lake: Lake) -> None:
    """Loading is incremental, and rows carry the partition of their object's key."""
    count = 'SELECT "date", COUNT(*) AS n FROM events GROUP BY "date" ORDER BY "date"'
    assert lake.rows(count) == [["date", "n"]]
    lake.put(*conversation(1, "canary"))
    assert lake.rows(count)[1:] == [["2026-11-24", "2"]]
    assert lake.rows(count)[1:] == [["2026-11-24", "2"]]
    lake.put(*conversation(2, "canary"), date="2026-11-25")
    assert lake.rows(count)[1:] == [["2026-11-24", "2"], ["2026-11-25", "2"]]
    assert lake.rows("SELECT COUNT(*) AS n FROM canary.events")[1:] == [["4"]]


def test_results_when_many_then_come_in_pages_with_one_header(lake: Lake) -> None:
    """A thousand rows a page at most, the header first on the first page only."""
    rows = lake.rows("SELECT i FROM range(2500) AS numbers(i) ORDER BY i")
    assert rows[0] == ["i"]
    assert [row[0] for row in rows[1:]] == [str(number) for number in range(2500)]
    query, _ = lake.start("SELECT 1 AS one")
    first = lake.athena.get_query_results(QueryExecutionId=query, MaxResults=1)
    assert first["ResultSet"]["Rows"] == [{"Data": [{"VarCharValue": "one"}]}]
    (column,) = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert (column["Name"], column["Type"]) == ("one", "integer")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT nobody FROM events", "nobody"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELEKT 1", "SELEKT"),
        ("DROP TABLE events", "only one SELECT"),
        ("SELECT 1; SELECT 2", "only one SELECT"),
    ],
)
def test_query_when_it_fails_then_says_why(lake: Lake, sql: str, message: str) -> None:
    """A failed query has DuckDB's message as its reason, and no results."""
    query, status = lake.start(sql)
    assert status["State"] == "FAILED"
    assert message in status["StateChangeReason"]
    with pytest.raises(ClientError, match="FAILED"):
        lake.athena.get_query_results(QueryExecutionId=query)


def test_query_when_a_line_does_not_fit_the_schema_then_fails(lake: Lake) -> None:
    """A value of the wrong type is a failed query, never a silent NULL."""
    lake.put({"event": "turn", "epoch": "yesterday"})
    _, status = lake.start("SELECT * FROM events")
    assert status["State"] == "FAILED"
    assert "yesterday" in status["StateChangeReason"]


def test_query_when_parameters_are_given_then_fails(lake: Lake) -> None:
    """What is not supported fails rather than being ignored."""
    _, status = lake.start("SELECT ? AS x", ExecutionParameters=["1"])
    assert "ExecutionParameters" in status["StateChangeReason"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("to_unixtime(from_iso8601_timestamp('2026-11-24T10:00:00.5Z'))", "1.7955144005E9"),
        ("from_unixtime(1795514400)", "2026-11-24 10:00:00.000"),
        ("approx_percentile(i, 0.5)", "1"),
        ("approx_distinct(i)", "3"),
        ("slice(ARRAY[1, 2, 3, 4], 2, 2)", "[2, 3]"),
        ("7 / 2", "3"),
        ("CAST(7 AS DOUBLE) / 2", "3.5"),
        ("IF(true, 'a', 'b')", "a"),
        ("count_if(i > 0)", "2"),
    ],
)
def test_query_when_in_trinos_words_then_is_understood(
    lake: Lake, expression: str, expected: str
) -> None:
    """Trino's names are known, and integers divide as integers."""
    rows = lake.rows(f"SELECT {expression} AS x {'FROM range(3) AS n(i)' * ('(i' in expression)}")
    assert rows[1] == [expected]


def test_macros_when_duckdb_knows_a_name_itself_then_are_needless() -> None:
    """Each name we lend to DuckDB is one that it lacks."""
    plain = duckdb.connect(":memory:")
    known = {
        row[0] for row in plain.execute("SELECT function_name FROM duckdb_functions()").fetchall()
    }
    assert not known & {macro.partition("(")[0] for macro in MACROS}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (True, "true"),
        (3, "3"),
        (1.0, "1.0"),
        (0.001, "0.001"),
        (1e7, "1.0E7"),
        (1.25e-5, "1.25E-5"),
        (-123456789.5, "-1.234567895E8"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (Decimal("1.50"), "1.50"),
        ("x", "x"),
        (dt.date(2026, 11, 24), "2026-11-24"),
        (dt.datetime(2026, 11, 24, 1, 2, 3, 4000, dt.UTC), "2026-11-24 01:02:03.004"),
        ([1, None, 2.0], "[1, null, 2.0]"),
    ],
)
def test_as_text_when_given_a_value_then_is_as_athena_shows_it(
    value: object, text: str | None
) -> None:
    """Results are text, in Java's manner for doubles."""
    assert as_text(value) == text


def test_upstream_still_needs_our_athena(aws_keys: None) -> None:
    """Unpatched, any text succeeds, with no rows."""
    with mock_aws():
        client = boto3.client("athena", region_name=REGION)
        query = client.start_query_execution(QueryString="SELEKT 1")["QueryExecutionId"]
        status = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        assert status["State"] == "SUCCEEDED"
        results = client.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
        assert results == []
