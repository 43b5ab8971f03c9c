"""Metric alarms: missing data, M of N, windows, transitions and their actions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from canary.local.alarm_definition import UnsupportedAlarmError
from canary.local.alarm_state import State, Treatment, next_state
from canary.local.metrics import series_key
from tests.local.alarm_bench import ACCOUNT, FUNCTION, REGION, START, AlarmBench

ALARM_ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:"

TABLES = [
    # evaluation range, M of 3, missing, ignore, breaching, notBreaching ("=": retains its state)
    ("0-X-X", 3, "OK", "OK", "OK", "OK"),
    ("0----", 3, "OK", "OK", "OK", "OK"),
    ("-----", 3, "INSUFFICIENT_DATA", "=", "ALARM", "OK"),
    ("0XX-X", 3, "ALARM", "ALARM", "ALARM", "ALARM"),
    ("--X--", 3, "ALARM", "=", "ALARM", "OK"),
    ("----X", 3, "=", "=", "ALARM", "OK"),
    ("---X-", 3, "=", "=", "ALARM", "OK"),
    ("0-X-X", 2, "ALARM", "ALARM", "ALARM", "ALARM"),
    ("00X0X", 2, "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0-X--", 2, "OK", "OK", "ALARM", "OK"),
    ("----0", 2, "OK", "OK", "ALARM", "OK"),
    ("---X-", 2, "ALARM", "=", "ALARM", "OK"),
]


@pytest.mark.parametrize("row", TABLES, ids=lambda row: f"{row[0]}-{row[1]}of3")
@pytest.mark.parametrize("now", ["OK", "ALARM", "INSUFFICIENT_DATA"])
def test_next_state_when_points_are_missing_then_follows_the_tables(
    row: tuple[str, int, str, str, str, str], now: State
) -> None:
    """Every row of the user guide's two tables, and its two premature examples."""
    drawn, to_alarm, *expected = row
    points = [{"0": False, "X": True, "-": None}[each] for each in drawn]
    treatments: list[Treatment] = ["missing", "ignore", "breaching", "notBreaching"]
    for treatment, wanted in zip(treatments, expected, strict=True):
        found = next_state(points, periods=3, to_alarm=to_alarm, treatment=treatment, now=now)
        assert found == (now if wanted == "=" else wanted), treatment


def test_alarm_when_new_then_has_insufficient_data_until_there_are_points(
    bench: AlarmBench,
) -> None:
    """A new alarm starts INSUFFICIENT_DATA and leaves it with its first point."""
    bench.alarm()
    described = bench.cloudwatch.describe_alarms()["MetricAlarms"][0]
    assert described["StateValue"] == "INSUFFICIENT_DATA"
    bench.run(START + 130)
    assert bench.state() == "INSUFFICIENT_DATA"
    assert bench.transitions == []
    bench.put(1, START + 130)
    bench.run(START + 190)
    assert bench.state() == "OK"


def test_alarm_when_m_of_n_breach_then_alarms_once_and_recovers(bench: AlarmBench) -> None:
    """Two of three breaching minutes alarm; a transition is told once; DescribeAlarms shows it."""
    bench.alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    for minute, errors in enumerate([0, 9, 0, 9, 0, 0, 0]):
        bench.put(errors, START + 60 * minute)
    bench.run(START + 60 * 7 + 10)
    assert bench.transitions == [
        ("errors", "INSUFFICIENT_DATA", "OK"),
        ("errors", "OK", "ALARM"),
        ("errors", "ALARM", "OK"),
    ]
    described = bench.cloudwatch.describe_alarms()["MetricAlarms"][0]
    assert "not greater than the threshold (5.0)" in described["StateReason"]
    assert json.loads(described["StateReasonData"])["recentDatapoints"] == [0.0, 9.0, 0.0]


def test_alarm_when_high_resolution_then_is_evaluated_every_ten_seconds(bench: AlarmBench) -> None:
    """A ten-second alarm goes off within twenty seconds of the breach."""
    bench.alarm(Period=10)
    bench.put(0, START, resolution=1)
    bench.run(START + 10)
    bench.put(9, START + 10, resolution=1)
    bench.run(START + 20)
    assert bench.state() == "ALARM"


def test_alarm_when_period_is_five_minutes_then_its_window_slides(bench: AlarmBench) -> None:
    """Six errors spread over five minutes alarm at the minute that completes them."""
    bench.alarm(Period=300)
    for minute in range(2, 8):
        bench.put(1.2, START + 60 * minute)
    bench.run(START + 60 * 7 + 10)
    assert bench.state() == "ALARM"


def test_alarm_when_percentile_then_reads_values_with_counts(bench: AlarmBench) -> None:
    """ExtendedStatistic p90 and PR are evaluated; the emulator's own refuses the second."""
    for name, statistic, threshold in (("p", "p90", 5.0), ("rank", "PR(:5)", 95.0)):
        bench.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="Shop",
            MetricName="Latency",
            ExtendedStatistic=statistic,
            Period=60,
            EvaluationPeriods=1,
            Threshold=threshold,
            ComparisonOperator="GreaterThanThreshold" if name == "p" else "LessThanThreshold",
        )
    bench.store.put_values(series_key("Shop", "Latency"), [1, 9], [80, 20], at=START)
    bench.run(START + 70)
    assert (bench.state("p"), bench.state("rank")) == ("ALARM", "ALARM")


def test_alarm_when_math_then_reads_the_wilson_bound(bench: AlarmBench) -> None:
    """One error in n of 1 to 10 never alarms behind the five-event gate; ten in twenty does."""
    wilson = (
        "IF(e >= 5, (IF(e<n, e/n, 1) + 4.774/n - 3.09 * ((IF(e<n, e/n, 1) * "
        "(1 - IF(e<n, e/n, 1)) + 2.387/n) / n)^0.5) / (1 + 9.548/n), 0)"
    )
    bench.alarm_of_math("rate", wilson, e="Errors", n="Requests")
    for minute in range(10):
        bench.put(1, START + 60 * minute)
        bench.put(minute + 1, START + 60 * minute, name="Requests")
    bench.run(START + 610)
    assert bench.transitions == [("rate", "INSUFFICIENT_DATA", "OK")]
    bench.put(10, START + 600)
    bench.put(20, START + 600, name="Requests")
    bench.run(START + 670)
    assert bench.state("rate") == "ALARM"


def test_load_when_an_alarm_cannot_be_evaluated_then_says_which_and_why(bench: AlarmBench) -> None:
    """What we cannot evaluate stops the region at its start, by the alarm's name."""
    bench.alarm_of_math("odd", "SEARCH('x', 'Sum')", e="Errors")
    with pytest.raises(UnsupportedAlarmError, match=r"alarm 'odd'.*SEARCH"):
        bench.evaluator.load()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"Unit": "Count"}, "Unit"),
        ({"Period": 45}, "a period of 45 s"),
        ({"ComparisonOperator": "LessThanLowerThreshold"}, "LessThanLowerThreshold"),
        ({"TreatMissingData": "wish"}, "TreatMissingData wish"),
    ],
)
def test_load_when_a_setting_is_unsupported_then_names_it(
    bench: AlarmBench, changes: dict[str, Any], named: str
) -> None:
    """Each setting we do not evaluate is refused by name."""
    bench.alarm(**changes)
    with pytest.raises(UnsupportedAlarmError, match=named):
        bench.evaluator.load()


def test_actions_when_state_changes_then_reach_topic_and_eventbridge(bench: AlarmBench) -> None:
    """Each transition runs the new state's own actions and emits one event, in AWS's shapes."""
    topic, queue = bench.topic_with_queue()
    bench.alarm(AlarmActions=[topic], AlarmDescription="too many errors")
    bench.put(0, START)
    bench.put(9, START + 60)
    bench.put(9, START + 120)
    bench.run(START + 200)
    (notice,) = bench.messages(queue)
    assert notice["Subject"] == 'ALARM: "errors" in US East (N. Virginia)'
    message = json.loads(notice["Message"])
    assert (message["NewStateValue"], message["OldStateValue"]) == ("ALARM", "OK")
    assert message["Trigger"]["MetricName"] == "Errors"
    assert [event[3]["state"]["value"] for event in bench.events] == ["OK", "ALARM"]
    detail_type, source, resources, detail = bench.events[1]
    assert (detail_type, source) == ("CloudWatch Alarm State Change", "aws.cloudwatch")
    assert resources == [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:errors"]
    assert detail["previousState"]["value"] == "OK"
    assert detail["configuration"]["metrics"][0]["metricStat"]["metric"]["dimensions"] == {
        "Arm": "canary"
    }
    assert bench.actions.failures == []


def test_actions_when_disabled_then_only_the_event_is_emitted(bench: AlarmBench) -> None:
    """ActionsEnabled = false silences the actions, not EventBridge."""
    topic, queue = bench.topic_with_queue()
    bench.alarm(AlarmActions=[topic], ActionsEnabled=False)
    bench.put(9, START)
    bench.run(START + 70)
    assert bench.messages(queue) == []
    assert len(bench.events) == 1


def test_actions_when_alarm_stays_in_alarm_then_nothing_more_happens(bench: AlarmBench) -> None:
    """No action without a transition."""
    topic, queue = bench.topic_with_queue()
    bench.alarm(AlarmActions=[topic])
    for minute in range(5):
        bench.put(9, START + 60 * minute)
    bench.run(START + 310)
    assert len(bench.messages(queue)) == 1


def test_actions_when_the_function_admits_alarms_then_it_is_invoked(bench: AlarmBench) -> None:
    """A function with the principal's permission gets the alarm's event, asynchronously."""
    bench.alarm(AlarmActions=[FUNCTION])
    bench.put(9, START)
    bench.run(START + 70)
    assert bench.actions.failures == []
    (event,) = bench.invocations
    assert event["source"] == "aws.cloudwatch"
    assert event["alarmArn"] == event["from"] == f"{ALARM_ARN}errors"
    assert event["accountId"] == ACCOUNT
    assert event["alarmData"]["state"]["value"] == "ALARM"
    assert event["alarmData"]["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert json.loads(event["alarmData"]["state"]["reasonData"])["threshold"] == 5.0


@pytest.mark.parametrize("principal", [None, "events.amazonaws.com"])
def test_actions_when_the_function_does_not_admit_alarms_then_is_an_error(
    bench: AlarmBench, principal: str | None
) -> None:
    """Without the permission of the template nothing is invoked, and the failure is on record."""
    bench.admitted = principal
    bench.alarm(AlarmActions=[FUNCTION])
    bench.put(9, START)
    bench.run(START + 70)
    assert bench.invocations == []
    assert "does not admit lambda.alarms.cloudwatch.amazonaws.com" in bench.actions.failures[0]
