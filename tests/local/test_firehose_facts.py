"""From a task's lines to the facts of a look: Firehose, Parquet, the catalogue, Athena's SQL."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from canary.aws import clock
from canary.aws.athena import Athena, Tables
from canary.aws.event_days import EventDays
from canary.aws.facts import FactStore
from canary.aws.metrics import Metrics
from canary.decision.facts import Cell, Facts, Moments
from canary.local import athena as engine
from canary.local.firehose import DeliveryStreams
from canary.local.log_delivery import subscription_event
from canary.local.patches import Patches
from stacks.constructs.event_store import DAY_COLUMNS, EVENT_COLUMNS
from tests.canary import samples
from tests.local.alarm_bench import ACCOUNT, REGION, START, StillClock
from tests.local.baking import baking
from tests.local.test_firehose import ARN, BUCKET, PROPERTIES

HOUR = 3600.0
INTENTS = ("faq", "recommendation", "order_tracking")
STATE = baking(
    admitted_at=START - 20 * HOUR,
    first_exposure_at=START - 19 * HOUR,
    block_started_at=START - 19 * HOUR,
)


class Pipe:
    """A delivery stream into the events' table, and the facts read from it."""

    def __init__(self) -> None:
        self.clock = StillClock()
        boto3.client("s3", region_name=REGION).create_bucket(Bucket=BUCKET)
        glue = boto3.client("glue", region_name=REGION)
        glue.create_database(DatabaseInput={"Name": "canary"})
        for name, folder, columns, partitions in (
            ("events", "events/", EVENT_COLUMNS, ("date",)),
            ("event_days", "days/", DAY_COLUMNS, ("test_id", "date")),
        ):
            glue.create_table(
                DatabaseName="canary",
                TableInput={
                    "Name": name,
                    "PartitionKeys": [{"Name": each, "Type": "string"} for each in partitions],
                    "StorageDescriptor": {
                        "Location": f"s3://{BUCKET}/{folder}",
                        "SerdeInfo": {"SerializationLibrary": "parquet"},
                        "Columns": [{"Name": n, "Type": kind} for n, kind in columns.items()],
                    },
                },
            )
        self.streams = DeliveryStreams(boto3.Session(region_name=REGION), self.clock)
        self.streams.declare(ARN, "events", PROPERTIES)
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        dynamodb.create_table(
            TableName="releases",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        client = boto3.client("athena", region_name=REGION)
        client.create_work_group(Name="canary")
        athena = Athena(client, Tables("canary", "canary", "events", "event_days"))
        metrics = Metrics(boto3.client("cloudwatch", region_name=REGION), "N")
        self.facts = FactStore(athena, metrics, EventDays(dynamodb, "releases", athena))

    def send(self, lines: list[dict[str, Any]]) -> None:
        """Deliver lines as the log group's subscription does."""
        events = [{"id": "1", "timestamp": 0, "message": json.dumps(line)} for line in lines]
        event = subscription_event("/mangaassist/api", "tasks", "events", events, owner=ACCOUNT)
        self.streams.put(ARN, event["awslogs"]["data"])
        self.streams.deliver(everything=True)

    def read(self) -> Facts:
        return self.facts.read(STATE, samples.policy(), START, {})


@pytest.fixture
def pipe(aws_keys: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    monkeypatch.setattr(clock, "sleep", lambda _seconds: time.sleep(0.01))
    with mock_aws():
        running, patches = engine.Athena(boto3.Session(region_name=REGION)), Patches()
        running.install(patches)
        yield Pipe()
        running.close()
        patches.undo()


def said(seed: int, customers: int = 60) -> list[dict[str, Any]]:
    """Turns and outcomes of customers with one conversation each, long enough ago to count."""
    chance = random.Random(seed)
    found: list[dict[str, Any]] = []
    for unit in range(customers):
        arm, stratum = chance.choice(("control", "canary")), chance.choice(INTENTS)
        start = START - chance.uniform(8, 18) * HOUR
        common = {
            "release_id": "r-1",
            "test_id": "t-1",
            "region": REGION,
            "stage": 1,
            "conversation_id": f"c{unit}",
            "unit_id": f"u{unit}",
            "stratum": stratum,
            "arm": arm,
            "p_canary": 0.5,
        }
        found.extend(
            common
            | {
                "event": "turn",
                "event_id": f"t{unit}-{turn}",
                "time": "2026-11-24T00:00:00Z",
                "epoch": start + 60 * turn,
                "turn": turn,
                "intent": stratum if turn == 1 else chance.choice(INTENTS),
                "first_of_unit": turn == 1,
                "status": "ok",
                "error": chance.random() < 0.2,
                "throttled": False,
                "fallback": False,
                "slow": False,
                "latency_ms": round(chance.uniform(300, 9000), 1),
                "input_tokens": chance.randint(1, 500),
                "output_tokens": chance.randint(1, 500),
                "reassigned_reason": None,
                "sampled": False,
            }
            for turn in range(1, chance.randint(1, 5) + 1)
        )
        found.append(
            common
            | {
                "event": "outcome",
                "event_id": f"o{unit}",
                "time": "2026-11-24T00:00:00Z",
                "epoch": start + 600,
                "completed": chance.random() < 0.7,
                "csat": chance.choice((None, 1, 4)),
                "clicked": None,
                "cart_abandoned": None,
            }
        )
    return found


def by_hand(lines: list[dict[str, Any]], arm: str, stratum: str) -> Moments:
    """The error rate's moments over customers, in plain Python."""
    turns: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    for line in lines:
        if (line["event"], line["arm"], line["stratum"]) == ("turn", arm, stratum):
            turns[line["unit_id"]] += 1
            errors[line["unit_id"]] += line["error"]
    n, y = list(turns.values()), [errors[unit] for unit in turns]
    return Moments(
        *(
            float(value)
            for value in (
                len(n),
                sum(n),
                sum(y),
                sum(a * a for a in n),
                sum(a * b for a, b in zip(n, y, strict=True)),
                sum(b * b for b in y),
            )
        )
    )


def cell(found: Facts, arm: str, stratum: str) -> Cell:
    (kept,) = [c for c in found.cells if (c.arm, c.stratum) == (arm, stratum)]
    return kept


@pytest.mark.parametrize("arm", ["control", "canary"])
def test_the_facts_of_parquet_are_those_counted_by_hand(pipe: Pipe, arm: str) -> None:
    """Errors per customer and stratum; completions, tails, draws and intents of the same lines."""
    lines = said(3)
    pipe.send(lines)
    found = pipe.read()
    for stratum in INTENTS:
        assert cell(found, arm, stratum).measures["error"] == by_hand(lines, arm, stratum)
    outcomes = [line for line in lines if line["event"] == "outcome" and line["arm"] == arm]
    completed = sum(c.measures["completion"].y for c in found.cells if c.arm == arm)
    assert completed == sum(line["completed"] for line in outcomes)
    slowest: dict[str, float] = {}
    for line in lines:
        if line["event"] == "turn" and line["arm"] == arm:
            name = line["conversation_id"]
            slowest[name] = max(slowest.get(name, 0.0), line["latency_ms"])
    assert found.latency[arm].n == len(slowest)
    assert list(found.latency[arm].slowest_ms) == sorted(slowest.values(), reverse=True)[:51]
    assert sum(getattr(draw, arm) for draw in found.draws) == len(slowest)
    later = [
        line
        for line in lines
        if line["event"] == "turn" and line["arm"] == arm and not line["first_of_unit"]
    ]
    kept = [each for each in found.later_intents if each.arm == arm]
    assert sum(each.n for each in kept) == len(later)
    assert found.late, "the newest of these lines is eight hours old"


def test_a_file_that_comes_twice_changes_nothing(pipe: Pipe) -> None:
    """The feed delivers at least once; the same lines in another file count once."""
    lines = said(4, customers=20)
    pipe.send(lines)
    once = pipe.read()
    pipe.clock.at += 1
    pipe.send(lines[::2])
    assert replace(pipe.read(), as_of=once.as_of) == once
