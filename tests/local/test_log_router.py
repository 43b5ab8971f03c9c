"""Lines of tasks: embedded metrics, subscriptions of functions and streams, tallies."""

from __future__ import annotations

import base64
import gzip
import json
from types import SimpleNamespace
from typing import Any

import pytest

from canary.local.embedded_metrics import EmbeddedMetricError, publish
from canary.local.firehose_config import StreamError
from canary.local.log_filters import FilterError, parse_filter
from canary.local.log_router import LogRouter
from canary.local.metrics import MetricStore, series_key
from canary.local.turn_tally import TurnTally
from tests.local.alarm_bench import ACCOUNT, REGION, START, StillClock

API = "/mangaassist/api"
DETECT = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:canary-detect:live"
STREAM = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/canary-events"
EVENTS = '{ $.event = "turn" || $.event = "outcome" }'


def turn(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "event": "turn",
        "event_id": f"e{number}-{changes.get('conversation_id', 'c')}",
        "epoch": START,
        "test_id": "t",
        "stage": 1,
        "conversation_id": "c",
        "unit_id": "u",
        "arm": "control",
        "p_canary": 0.25,
        "turn": number,
        "first_of_unit": number == 1,
        "status": "ok",
        "error": False,
        "throttled": False,
        "latency_ms": 900.0,
        "slow": False,
        "reassigned_reason": None,
        "sampled": False,
    } | changes


class Streams:
    """What streams were put, and when they were asked to deliver everything."""

    def __init__(self) -> None:
        self.records: list[tuple[str, dict[str, Any]]] = []
        self.delivered: list[bool] = []

    def put(self, arn: str, data: str) -> None:
        if arn != STREAM:
            raise StreamError(f"there is no delivery stream {arn}")
        self.records.append((arn, json.loads(gzip.decompress(base64.b64decode(data)))))

    def deliver(self, *, everything: bool = False) -> None:
        self.delivered.append(everything)


class Room:
    """A router with one subscription on the API's log group."""

    def __init__(self, pattern: str = "{ $.sampled IS TRUE }", destination: str = DETECT) -> None:
        self.store, self.clock, self.streams = MetricStore(), StillClock(), Streams()
        self.calls: list[tuple[str, str, str, dict[str, Any]]] = []
        self.admits = True
        subscription = SimpleNamespace(
            name="detect", filter_pattern=pattern, destination_arn=destination
        )
        group = SimpleNamespace(subscription_filters={"detect": subscription})
        self.router = LogRouter(
            store=self.store,
            clock=self.clock,
            streams=self.streams,  # type: ignore[arg-type]
            log_groups={API: group, "/other": SimpleNamespace(subscription_filters={})},
            invoke_for=self.invoke_for,
            account=ACCOUNT,
            region=REGION,
        )

    def invoke_for(self, principal: str, source: str, function: str, event: Any) -> bool:
        self.calls.append((principal, source, function, event))
        return self.admits

    def line(self, value: dict[str, Any], group: str = API) -> None:
        self.router.on_line(group, json.dumps(value))

    def delivered(self) -> list[list[dict[str, Any]]]:
        return [
            json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))["logEvents"]
            for *_, event in self.calls
        ]


@pytest.fixture
def room() -> Room:
    return Room()


# The embedded metric format.


def test_publish_when_several_sets_and_arrays_then_stores_each(room: Room) -> None:
    """Every directive, every dimension set, single values and arrays, at their resolution."""
    line = {
        "_aws": {
            "Timestamp": START * 1000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Shop",
                    "Dimensions": [["Arm"], ["Arm", "Intent"], []],
                    "Metrics": [{"Name": "Requests", "StorageResolution": 1}, {"Name": "Gone"}],
                },
                {"Namespace": "Other", "Dimensions": [[]], "Metrics": [{"Name": "Latency"}]},
            ],
        },
        "Arm": "canary",
        "Intent": "checkout",
        "Requests": 3,
        "Latency": [10, 20, 20],
    }
    assert publish(room.store, line) == 4
    for dimensions in ({"Arm": "canary"}, {"Arm": "canary", "Intent": "checkout"}, {}):
        key = series_key("Shop", "Requests", dimensions)
        assert room.store.statistic(key, "Sum", START, START + 1) == 3
    latency = series_key("Other", "Latency")
    assert room.store.statistic(latency, "SampleCount", START, START + 60) == 3
    assert room.store.statistic(latency, "p99", START, START + 60) == 20


@pytest.mark.parametrize(
    "line",
    [
        {"_aws": {}},
        {"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Namespace": "x"}]}},
        {
            "_aws": {
                "Timestamp": 1,
                "CloudWatchMetrics": [
                    {"Namespace": "x", "Dimensions": [["Arm"]], "Metrics": [{"Name": "N"}]}
                ],
            },
            "N": 1,
        },
        {
            "_aws": {
                "Timestamp": 1,
                "CloudWatchMetrics": [
                    {"Namespace": "x", "Dimensions": [[]], "Metrics": [{"Name": "N"}]}
                ],
            },
            "N": "many",
        },
    ],
)
def test_publish_when_not_of_the_format_then_is_an_error(line: dict[str, Any]) -> None:
    """AWS would drop such a line silently; here it is an error."""
    with pytest.raises(EmbeddedMetricError):
        publish(MetricStore(), line)


def test_on_line_when_a_metric_line_is_broken_then_goes_on_record(room: Room) -> None:
    """A bad line is reported, and never stops the task's reader."""
    room.line({"_aws": {}})
    assert "embedded metric format" in room.router.failures[0]


# Filters.


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        ("{ $.sampled IS TRUE }", {"sampled": True}, True),
        ("{ $.sampled IS TRUE }", {"sampled": 1}, False),
        ("{ $.sampled IS TRUE }", {}, False),
        ("{ $.a.b IS NULL }", {"a": {"b": None}}, True),
        ('{ $.event = "turn" }', {"event": "turn"}, True),
        ("{ $.event = turn }", {"event": "outcome"}, False),
        ("{ $.status = 5* }", {"status": "503"}, True),
        ("{ $.n = 3 }", {"n": 3.0}, True),
        ("{ $.n = 3 }", {"n": "3"}, False),
        ("{ $.n != 3 }", {"n": 4}, True),
        ("{ $.n != 3 }", {}, False),
        (EVENTS, {"event": "turn"}, True),
        (EVENTS, {"event": "outcome"}, True),
        (EVENTS, {"event": "metric"}, False),
        ('{ $.a = "x || y" }', {"a": "x || y"}, True),
        ('"turn" "canary"', {"event": "turn", "arm": "canary"}, True),
        ('"turn" "canary"', {"event": "turn"}, False),
        ("", {}, True),
    ],
)
def test_filter_when_supported_then_matches(
    pattern: str, line: dict[str, Any], expected: bool
) -> None:
    """Truth, null, equality, alternatives and quoted terms."""
    assert parse_filter(pattern)(json.dumps(line), line) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.a = 1 && $.b = 2 }",
        "{ $.a = 1 || }",
        "{ ($.a = 1) || $.b = 2 }",
        "ERROR",
        "[ip, user]",
        "{ $.a > 1 }",
        "%re%",
    ],
)
def test_filter_when_beyond_the_subset_then_is_an_error(pattern: str) -> None:
    """A pattern we would read wrongly is refused."""
    with pytest.raises(FilterError):
        parse_filter(pattern)


def test_load_when_a_subscription_cannot_be_served_then_is_an_error() -> None:
    """Unknown patterns and destinations stop the region at its start."""
    with pytest.raises(FilterError, match="ERROR"):
        Room(pattern="ERROR").router.load()
    with pytest.raises(FilterError, match="kinesis"):
        Room(destination=STREAM.replace("firehose", "kinesis")).router.load()


# Delivery.


def test_flush_when_lines_match_then_the_function_gets_them_in_one_batch(room: Room) -> None:
    """Matching lines of the subscribed group only, in the shape of CloudWatch Logs."""
    room.line(turn(1, sampled=True))
    room.line(turn(2))
    room.line(turn(3, sampled=True))
    room.line(turn(4, sampled=True), group="/other")
    room.router.flush()
    room.router.flush()
    ((first, second),) = room.delivered()
    assert json.loads(first["message"])["turn"] == 1
    assert json.loads(second["message"])["turn"] == 3
    assert first["timestamp"] == START * 1000
    principal, source, function, event = room.calls[0]
    assert (principal, function) == ("logs.amazonaws.com", DETECT)
    assert source == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{API}:*"
    data = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    assert (data["messageType"], data["logGroup"]) == ("DATA_MESSAGE", API)
    assert data["subscriptionFilters"] == ["detect"]


def test_flush_when_the_function_does_not_admit_logs_then_goes_on_record(room: Room) -> None:
    """A missing permission is on record."""
    room.admits = False
    room.line(turn(1, sampled=True))
    room.router.flush()
    assert "does not admit logs.amazonaws.com" in room.router.failures[0]


def test_flush_when_a_stream_is_subscribed_then_it_is_put_the_events_in_one_record() -> None:
    """Each event once, in the shape of CloudWatch Logs; metrics and log lines stay out."""
    room = Room(pattern=EVENTS, destination=STREAM)
    room.line(turn(1))
    room.line({"event": "outcome", "event_id": "o", "arm": "canary"})
    room.line({"event": "other"})
    room.router.on_line(API, "a log line")
    room.router.flush()
    room.router.flush()
    ((arn, record),) = room.streams.records
    assert (arn, record["messageType"], record["logGroup"]) == (STREAM, "DATA_MESSAGE", API)
    messages = [json.loads(each["message"])["event_id"] for each in record["logEvents"]]
    assert messages == ["e1-c", "o"]
    assert room.calls == []
    assert room.streams.delivered == [False, False]


def test_flush_when_the_stream_is_gone_then_goes_on_record() -> None:
    """A subscription to a stream that nobody declared is a failure, not silence."""
    room = Room(pattern=EVENTS, destination=f"{STREAM}-gone")
    room.line(turn(1))
    room.router.flush()
    assert "there is no delivery stream" in room.router.failures[0]


def test_stop_when_running_then_delivers_the_rest() -> None:
    """Nothing that came before the end is left behind, neither here nor in a stream."""
    room = Room(pattern=EVENTS, destination=STREAM)
    room.router.start()
    room.line(turn(1))
    room.router.stop()
    assert len(room.streams.records) == 1
    assert room.streams.delivered[-1] is True


def test_tail_when_lines_are_neither_then_keeps_the_last(room: Room) -> None:
    """Plain log lines can be looked at."""
    for number in range(300):
        room.router.on_line(API, f"line {number}")
    room.router.on_line(API, "{broken")
    assert room.router.tail(API, 2) == ["line 299", "{broken"]


# Tallies.


def test_tally_when_turns_come_then_counts_by_arm_and_status() -> None:
    """By arm drawn and status; turns outside a release apart."""
    tally = TurnTally()
    tally.add(turn(1))
    tally.add(turn(2, status="error", error=True, slow=True))
    tally.add(turn(1, arm=None, conversation_id="x"))
    assert tally.requests() == {"control": {"ok": 1, "error": 1}, "none": {"ok": 1}}
    assert (tally.total("control").requests, tally.total("control").errors) == (2, 1)


def test_tally_when_a_unit_comes_again_then_it_was_drawn_once() -> None:
    """Draws are first draws of units, by stage; the asked share is the mean probability."""
    tally = TurnTally()
    tally.add(turn(1, unit_id="a", arm="canary", p_canary=0.1))
    tally.add(turn(1, unit_id="a", arm="canary", p_canary=0.1, conversation_id="again"))
    tally.add(turn(1, unit_id="b", p_canary=0.3))
    tally.add(turn(2, unit_id="c"))
    tally.add(turn(1, unit_id="d", stage=2))
    assert tally.draws() == {1: {"canary": 1, "control": 1}, 2: {"control": 1}}
    assert tally.asked()[1] == pytest.approx(0.2)


def test_tally_when_a_conversation_changes_arm_then_only_without_reason_is_a_violation() -> None:
    """Order is by turn, whatever order the lines came in."""
    tally = TurnTally()
    tally.add(turn(3, arm="canary"))
    tally.add(turn(1))
    tally.add(turn(2))
    tally.add(turn(1, conversation_id="moved", arm="canary"))
    tally.add(turn(2, conversation_id="moved", reassigned_reason="canary_rollback"))
    tally.add(turn(1, conversation_id="before", arm=None))
    tally.add(turn(2, conversation_id="before", arm="canary"))
    assert tally.sticky_violations() == [("c", 3)]


def test_window_when_time_passes_then_holds_the_last_seconds_only() -> None:
    """Rates and the 99th percentile of one arm over a window."""
    tally = TurnTally()
    for second in range(120):
        tally.add(
            turn(
                second,
                epoch=START + second,
                error=second >= 90,
                slow=second >= 100,
                latency_ms=float(second),
            )
        )
    minute = tally.window("control", 60, START + 120)
    assert minute.requests == 60
    assert minute.error_rate == 0.5
    assert minute.slow_rate == pytest.approx(1 / 3)
    assert minute.p99_ms == 119
    assert tally.window("canary", 60, START + 120).error_rate is None
