"""The counts of a task and their embedded metrics."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.aws.embedded_metrics import metric_line
from services.api.counters import WINDOW_SECONDS, Counters


def test_counts_since_the_last_line_start_anew_and_the_minute_rolls() -> None:
    """Each line carries what happened since the one before, and the whole last minute."""
    counters = Counters()
    counters.record("canary", 100.0, p_canary=0.2, error=True)
    counters.record("canary", 105.0, p_canary=0.2, slow=True)
    counters.record("control", 105.0, p_canary=0.2, throttled=True)
    first, second, third = counters.take(110.0), counters.take(120.0), counters.take(161.0)
    assert first["canary"] == {
        "Requests": 2,
        "Errors": 1,
        "SlowRequests": 1,
        "Throttles": 0,
        "Requests60s": 2,
        "Errors60s": 1,
        "SlowRequests60s": 1,
        "Throttles60s": 0,
    }
    assert (first["control"]["Requests"], first["control"]["Throttles60s"]) == (1, 1)
    assert (second["canary"]["Requests"], second["canary"]["Requests60s"]) == (0, 2)
    assert (third["canary"]["Requests60s"], third["canary"]["Errors60s"]) == (1, 0)


def test_an_arm_without_requests_is_published_as_zero() -> None:
    """Silence is a number, so that an alarm can tell it from a task that is gone."""
    taken = Counters().take(0.0)
    assert {arm: set(values.values()) for arm, values in taken.items()} == {
        "control": {0},
        "control-matched": {0},
        "canary": {0},
    }


def test_the_control_is_also_counted_with_the_canary_s_mix() -> None:
    """Each control turn by the odds of its unit's draw; one that was not drawn by none."""
    counters = Counters()
    for p_canary, error in ((0.05, False), (0.25, True), (0.5, True), (None, True)):
        counters.record("control", 10.0, p_canary=p_canary, error=error)
    counters.record("canary", 10.0, p_canary=0.25, error=True)
    taken = counters.take(20.0)
    assert (taken["control"]["Requests"], taken["control"]["Errors"]) == (4, 3)
    matched = taken["control-matched"]
    assert matched["Requests"] == matched["Requests60s"] == pytest.approx(1 / 19 + 1 / 3 + 1)
    assert matched["Errors"] == pytest.approx(1 / 3 + 1)


@given(
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from(["request", "take"])), min_size=1).map(
        sorted
    )
)
def test_nothing_is_counted_twice_or_lost(steps: list[tuple[int, str]]) -> None:
    """The lines' increments add up to all requests; the minute holds the last 60 seconds."""
    counters, requests, published = Counters(), [], 0
    for at, what in steps:
        if what == "request":
            counters.record("canary", float(at), p_canary=0.5)
            requests.append(at)
        else:
            taken = counters.take(float(at))["canary"]
            published += taken["Requests"]
            assert published == len(requests)
            assert taken["Requests60s"] == sum(each > at - WINDOW_SECONDS for each in requests)


def test_a_metric_line_is_embedded_metric_format_with_the_arm_as_its_one_dimension() -> None:
    """CloudWatch reads the names it is told of; ids are properties, never dimensions."""
    values = Counters().take(0.0)["canary"]
    line = metric_line("MangaAssist/Canary", "canary", 12.5, values, {"model_id": "m"})
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert line["_aws"]["Timestamp"] == 12_500
    assert directive["Dimensions"] == [["Arm"]]
    assert directive["Namespace"] == "MangaAssist/Canary"
    assert {metric["Name"] for metric in directive["Metrics"]} == set(values)
    assert {metric["StorageResolution"] for metric in directive["Metrics"]} == {1}
    assert (line["Arm"], line["model_id"]) == ("canary", "m")
    assert json.loads(json.dumps(line)) == line
