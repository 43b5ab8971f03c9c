"""Days summed up by Athena's UNLOAD: a look finds in them what it finds in all raw events."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from canary.aws import clock
from canary.aws.athena import Athena, QueryError, Tables
from canary.aws.conversations_sql import DAY_SECONDS, PART_COLUMNS, Days, Window, date_of
from canary.aws.conversations_sql import conversations as conversations_sql
from canary.aws.event_days import COMPLETE_SECONDS, EventDays
from canary.aws.facts import FactStore
from canary.aws.metrics import Metrics
from canary.decision.facts import Facts
from canary.local import athena as engine
from canary.local.parquet import read_rows
from canary.local.patches import Patches
from canary.policy.compiled import CompiledPolicy
from stacks.constructs.event_store import DAY_COLUMNS, EVENT_COLUMNS
from tests.canary import samples
from tests.local.alarm_bench import REGION
from tests.local.baking import baking

BUCKET = "the-lake"
DAYS = f"s3://{BUCKET}/days/"
MIDNIGHT = 1_700_006_400.0
"""2023-11-15, 00:00 UTC: the release starts in the evening before."""
HOUR = 3600.0
KINDS = {"string": str, "double": float, "int": int, "bigint": int}
STATE = baking(
    admitted_at=MIDNIGHT - 5 * HOUR,
    first_exposure_at=MIDNIGHT - 4 * HOUR,
    block_started_at=MIDNIGHT + 20 * HOUR,
)


class Lake:
    """Both tables over a bucket, the table of releases, and the adapters before them."""

    def __init__(self) -> None:
        self.puts = 0
        self.s3 = boto3.client("s3", region_name=REGION)
        self.s3.create_bucket(Bucket=BUCKET)
        self.dynamodb = boto3.client("dynamodb", region_name=REGION)
        keys = ("pk", "sk")
        self.dynamodb.create_table(
            TableName="releases",
            KeySchema=[
                {"AttributeName": name, "KeyType": kind}
                for name, kind in zip(keys, ("HASH", "RANGE"), strict=True)
            ],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        glue = boto3.client("glue", region_name=REGION)
        glue.create_database(DatabaseInput={"Name": "canary"})
        self.table(glue, "events", EVENT_COLUMNS, ("date",), serde="json")
        self.table(glue, "event_days", DAY_COLUMNS, ("test_id", "date"), serde="parquet")
        client = boto3.client("athena", region_name=REGION)
        client.create_work_group(Name="canary")
        self.athena = Athena(client, Tables("canary", "canary", "events", "event_days"))
        self.days = EventDays(self.dynamodb, "releases", self.athena)
        metrics = Metrics(boto3.client("cloudwatch", region_name=REGION), "N")
        self.facts = FactStore(self.athena, metrics, self.days)
        self.raw = FactStore(self.athena, metrics, NoDays(self.dynamodb, "releases", self.athena))

    @staticmethod
    def table(
        glue: Any, name: str, columns: dict[str, str], partitions: tuple[str, ...], serde: str
    ) -> None:
        folder = {"events": "events/", "event_days": "days/"}[name]
        glue.create_table(
            DatabaseName="canary",
            TableInput={
                "Name": name,
                "PartitionKeys": [{"Name": each, "Type": "string"} for each in partitions],
                "StorageDescriptor": {
                    "Location": f"s3://{BUCKET}/{folder}",
                    "SerdeInfo": {"SerializationLibrary": serde},
                    "Columns": [{"Name": n, "Type": kind} for n, kind in columns.items()],
                },
            },
        )

    def put(self, events: list[tuple[float, dict[str, Any]]]) -> None:
        """Store events by when they arrive; two arrivals of one event lie in two files."""
        self.puts += 1
        files: dict[str, list[str]] = {}
        for arrival, event in events:
            files.setdefault(date_of(arrival), []).append(json.dumps(event))
        for date, lines in files.items():
            key = f"events/date={date}/{self.puts}.json"
            self.s3.put_object(Bucket=BUCKET, Key=key, Body="\n".join(lines).encode())

    def keys(self, prefix: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [each["Key"] for each in found]


class NoDays(EventDays):
    """Knows of no day that is summed up."""

    def load(self, test_id: str) -> Days:
        return Days("event_days", test_id)


@pytest.fixture
def lake(aws_keys: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    monkeypatch.setattr(clock, "sleep", lambda _seconds: time.sleep(0.05))
    with mock_aws():
        running, patches = engine.Athena(boto3.Session(region_name=REGION)), Patches()
        running.install(patches)
        yield Lake()
        running.close()
        patches.undo()


def history(seed: int, days: int = 4) -> list[tuple[float, dict[str, Any]]]:
    """Customers who come back on other days, and outcomes that come on the next one."""
    chance = random.Random(seed)
    found: list[tuple[float, dict[str, Any]]] = []
    number = 0

    def say(epoch: float, **fields: Any) -> None:
        nonlocal number
        number += 1
        event = {"event_id": f"e{number}", "epoch": round(epoch, 3), "release_id": "r-1", **fields}
        late = chance.choice((2.0, 2.0, 2.0, 1500.0))
        found.append((epoch + late, event))
        if chance.random() < 0.1:  # delivered twice, the second time a while later
            found.append((epoch + late + 1800, event))

    for unit in range(40):
        arm = chance.choice(("control", "canary"))
        drawn = False
        for visit in range(chance.randint(1, 4)):
            start = MIDNIGHT + chance.uniform(-4 * HOUR, days * DAY_SECONDS)
            conversation = {
                "conversation_id": f"c{unit}-{visit}",
                "unit_id": f"u{unit}",
                "stratum": chance.choice(("faq", "recommendation")),
                "arm": arm,
                "p_canary": chance.choice((0.25, 0.5)),
                "stage": 1 + (start > MIDNIGHT + 2 * DAY_SECONDS),
            }
            for turn in range(chance.randint(1, 5)):
                say(
                    start + turn * chance.uniform(1, HOUR),
                    event="turn",
                    **conversation | {"stratum": chance.choice(("faq", "recommendation"))},
                    first_of_unit=not drawn,
                    error=chance.random() < 0.2,
                    slow=chance.random() < 0.1,
                    latency_ms=chance.uniform(500, 9000),
                    input_tokens=chance.randint(1, 99),
                    reassigned_reason=chance.choice((None, None, "promotion")),
                )
                drawn = True
            if chance.random() < 0.7:
                say(
                    start + chance.uniform(60, 9 * HOUR),
                    event="outcome",
                    **conversation,
                    completed=chance.random() < 0.6,
                    csat=chance.choice((None, 1, 4)),
                )
    return found


def differing(found: Facts, expected: Facts) -> list[str]:
    """The names of the fields that differ: a thousand rows side by side would help nobody."""
    names = [each.name for each in fields(Facts)]
    return [name for name in names if getattr(found, name) != getattr(expected, name)]


def policy() -> CompiledPolicy:
    return samples.policy()


@pytest.mark.parametrize("seed", range(2))
def test_a_look_finds_in_summed_days_what_it_finds_in_all_raw_events(lake: Lake, seed: int) -> None:
    """Cells, tails and draws are the same, whole window and block, however many days are summed."""
    lake.put(history(seed))
    now = MIDNIGHT + 4 * DAY_SECONDS + 2 * HOUR
    for _ in range(6):
        found = lake.facts.read(STATE, policy(), now, {})
        expected = lake.raw.read(STATE, policy(), now, {})
        assert differing(found, expected) == []
        assert found.cells
        assert found.latency
        assert found.draws
        lake.days.sum_up(STATE, DAYS, now)
    assert len(lake.days.load("t-1").attempts) == 5


def test_a_tick_asks_for_raw_events_of_the_present_day_only(lake: Lake) -> None:
    """From the last midnight on, in the files of that day and of its neighbours."""
    now = MIDNIGHT + 3 * DAY_SECONDS + 2 * HOUR
    while lake.days.sum_up(STATE, DAYS, now):
        pass
    window = Window("r-1", STATE.admitted_at, 0.0, now, lake.days.load("t-1"))
    query = conversations_sql("events", window)
    assert f"epoch >= {MIDNIGHT + 3 * DAY_SECONDS!r} AND epoch <= {now!r}" in query
    assert (
        """FROM events
  WHERE "date" >= '2023-11-17' AND "date" <= '2023-11-19'"""
        in query
    )


def test_an_earlier_moment_uses_the_days_before_it_only(lake: Lake) -> None:
    """A look as of noon sees nothing of the evening, though the whole day is summed up."""
    lake.put(history(5))
    while lake.days.sum_up(STATE, DAYS, MIDNIGHT + 4 * DAY_SECONDS + 2 * HOUR):
        pass
    noon = MIDNIGHT + 1.5 * DAY_SECONDS
    found, expected = (each.read(STATE, policy(), noon, {}) for each in (lake.facts, lake.raw))
    assert differing(found, expected) == []


def test_a_day_is_summed_up_once_an_hour_after_its_end(lake: Lake) -> None:
    """Oldest first, one a call, none before its events have arrived, none twice."""
    lake.put(history(1))
    assert lake.days.sum_up(STATE, DAYS, MIDNIGHT + COMPLETE_SECONDS - 1) is None
    now = MIDNIGHT + DAY_SECONDS + COMPLETE_SECONDS
    assert lake.days.sum_up(STATE, DAYS, now) == "2023-11-14"
    assert lake.days.sum_up(STATE, DAYS, now) == "2023-11-15"
    assert lake.days.sum_up(STATE, DAYS, now) is None
    folders = sorted(key.rsplit("/", 2)[0] for key in lake.keys("days/"))
    assert folders == ["days/test_id=t-1/date=2023-11-14", "days/test_id=t-1/date=2023-11-15"]


def test_rows_of_an_attempt_that_nobody_names_count_for_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that died after writing leaves rows; those of the next attempt count."""
    everything = history(2)
    lake.put(everything[::2])
    now = MIDNIGHT + 2 * HOUR
    with monkeypatch.context() as patch:
        patch.setattr(EventDays, "_remember", lambda *_: None)
        lake.days.sum_up(STATE, DAYS, now)
    lake.put(everything)
    lake.days.sum_up(STATE, DAYS, now)
    assert len(lake.keys("days/")) == 2
    found, expected = (each.read(STATE, policy(), now, {}) for each in (lake.facts, lake.raw))
    assert differing(found, expected) == []


def test_of_two_attempts_that_end_the_first_counts(lake: Lake) -> None:
    """The item is written once; the second attempt's rows are read by nobody."""
    lake.put(history(2))
    lake.days._remember("t-1", "2023-11-14", "first", 0.0)
    lake.days._remember("t-1", "2023-11-14", "second", 0.0)
    assert lake.days.load("t-1").attempts == {"2023-11-14": "first"}


def test_a_failed_query_is_told_and_tried_again(lake: Lake) -> None:
    """No item, so the day stays raw, and the next call writes it."""
    lake.s3.delete_bucket(Bucket=BUCKET)
    now = MIDNIGHT + 2 * HOUR
    with pytest.raises(QueryError):
        lake.days.sum_up(STATE, DAYS, now)
    assert lake.days.load("t-1").attempts == {}
    lake.s3.create_bucket(Bucket=BUCKET)
    assert lake.days.sum_up(STATE, DAYS, now) == "2023-11-14"


def test_a_gap_ends_the_run_of_days(lake: Lake) -> None:
    """A day that is missing is read raw, and with it all after it."""
    days = Days("event_days", "t", {"2023-11-14": "a", "2023-11-16": "b"})
    assert days.until(STATE.admitted_at, MIDNIGHT + 3 * DAY_SECONDS) == MIDNIGHT


def test_a_test_whose_id_is_no_folder_stays_raw(lake: Lake) -> None:
    """An id with a slash or a quote never enters a place in S3."""
    odd = replace(STATE, test_id="../t'")
    assert lake.days.sum_up(odd, DAYS, MIDNIGHT + 10 * DAY_SECONDS) is None


def test_the_table_of_days_has_the_columns_of_a_part(lake: Lake) -> None:
    """What a query writes, the table reads, in the types that Athena gives them."""
    assert set(DAY_COLUMNS) == {"attempt", *PART_COLUMNS}
    lake.put(history(3))
    lake.days.sum_up(STATE, DAYS, MIDNIGHT + 2 * HOUR)
    (key,) = lake.keys("days/")
    body = lake.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    rows = list(read_rows([body]))
    assert rows
    for row in rows:
        assert list(row) == ["attempt", *PART_COLUMNS]
        kinds = {name: KINDS[DAY_COLUMNS[name]] for name, value in row.items() if value is not None}
        assert all(float(row[n]).is_integer() for n, kind in kinds.items() if kind is int)
        assert all(isinstance(row[n], str) for n, kind in kinds.items() if kind is str)
