"""The patches of CloudWatch: what they add, and that the emulator still lacks it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.cloudwatch.responses import CloudWatchResponse

from tests.local.alarm_bench import START, AlarmBench

NOW = datetime.fromtimestamp(START, UTC)
WINDOW = {"StartTime": NOW, "EndTime": NOW + timedelta(minutes=5)}
ALARM = {
    "AlarmName": "any",
    "Namespace": "Shop",
    "MetricName": "Latency",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}


@pytest.fixture
def plain(aws_keys: None) -> Iterator[Any]:
    """The emulator's own CloudWatch, unpatched."""
    with mock_aws():
        yield boto3.client("cloudwatch", region_name="us-east-1")


def put(client: Any, **datum: Any) -> None:
    client.put_metric_data(
        Namespace="Shop", MetricData=[{"MetricName": "Latency", "Timestamp": NOW} | datum]
    )


def query(query_id: str, stat: str = "Sum", *, returned: bool = True) -> dict[str, Any]:
    return {
        "Id": query_id,
        "ReturnData": returned,
        "MetricStat": {
            "Metric": {"Namespace": "Shop", "MetricName": "Latency"},
            "Period": 60,
            "Stat": stat,
        },
    }


def test_upstream_still_needs_our_get_metric_data(plain: Any) -> None:
    """Unpatched, math over two metrics comes back empty and percentiles fail."""
    put(plain, Values=[1.0, 2.0])
    math = {"Id": "m", "Expression": "100 * a / b"}
    answer = plain.get_metric_data(MetricDataQueries=[query("a"), query("b"), math], **WINDOW)
    assert answer["MetricDataResults"][2]["Values"] == []


def test_upstream_still_needs_our_get_metric_statistics(plain: Any) -> None:
    """Unpatched, a percentile's datapoint has no value."""
    put(plain, Values=[1.0, 2.0])
    answer = plain.get_metric_statistics(
        Namespace="Shop", MetricName="Latency", Period=60, ExtendedStatistics=["p99"], **WINDOW
    )
    assert not any("ExtendedStatistics" in each for each in answer["Datapoints"])


def test_upstream_still_needs_our_composite_alarms() -> None:
    """Unpatched, there is no PutCompositeAlarm."""
    assert "put_composite_alarm" not in vars(CloudWatchResponse)


def test_upstream_still_needs_our_extended_statistic(plain: Any) -> None:
    """Unpatched, an alarm on PR(low:high) is refused."""
    with pytest.raises(ClientError, match="not supported"):
        plain.put_metric_alarm(**ALARM, ExtendedStatistic="PR(:5)")


def test_upstream_still_needs_our_first_state(plain: Any) -> None:
    """Unpatched, a new alarm is OK."""
    plain.put_metric_alarm(**ALARM, Statistic="Sum")
    assert plain.describe_alarms()["MetricAlarms"][0]["StateValue"] == "OK"


def test_upstream_still_needs_our_store(plain: Any) -> None:
    """Unpatched, the storage resolution of a datum is lost: the flat list has no place for it."""
    put(plain, Value=1.0, StorageResolution=1)
    from moto.cloudwatch.models import cloudwatch_backends

    (datum,) = cloudwatch_backends["123456789012"]["us-east-1"].metric_data
    assert not any("resolution" in name for name in vars(datum))


def test_put_metric_data_when_of_any_form_then_is_stored(bench: AlarmBench) -> None:
    """Single values, values with counts and statistic sets count alike; no stamp means now."""
    put(bench.cloudwatch, Value=2.0)
    put(bench.cloudwatch, Values=[1.0, 5.0], Counts=[2, 1])
    put(
        bench.cloudwatch,
        StatisticValues={"SampleCount": 2, "Sum": 6, "Minimum": 2, "Maximum": 4},
        StorageResolution=1,
    )
    bench.cloudwatch.put_metric_data(
        Namespace="Shop", MetricData=[{"MetricName": "Latency", "Value": 3.0}]
    )
    answer = bench.cloudwatch.get_metric_statistics(
        Namespace="Shop",
        MetricName="Latency",
        Period=60,
        Statistics=["Sum", "SampleCount", "Maximum"],
        **WINDOW,
    )
    (datapoint,) = answer["Datapoints"]
    assert (datapoint["Sum"], datapoint["SampleCount"], datapoint["Maximum"]) == (18, 7, 5)
    assert datapoint["Timestamp"] == NOW


def test_get_metric_data_when_math_nests_then_is_computed(bench: AlarmBench) -> None:
    """Expressions over expressions, hidden inputs, both orders."""
    for minute, values in enumerate([[1.0], [], [2.0, 4.0]]):
        if values:
            put(bench.cloudwatch, Timestamp=NOW + timedelta(minutes=minute), Values=values)
    queries = [
        query("total", returned=False),
        query("count", "SampleCount", returned=False),
        {"Id": "mean", "Expression": "total / count"},
        {"Id": "doubled", "Expression": "FILL(mean, 0) * 2"},
    ]
    answer = bench.cloudwatch.get_metric_data(
        MetricDataQueries=queries, ScanBy="TimestampAscending", **WINDOW
    )
    mean, doubled = answer["MetricDataResults"]
    assert (mean["Id"], mean["Values"]) == ("mean", [1.0, 3.0])
    assert mean["Timestamps"] == [NOW, NOW + timedelta(minutes=2)]
    assert doubled["Values"] == [2.0, 0.0, 6.0, 0.0, 0.0]
    newest_first = bench.cloudwatch.get_metric_data(MetricDataQueries=queries, **WINDOW)
    assert newest_first["MetricDataResults"][0]["Values"] == [3.0, 1.0]


def test_get_metric_data_when_percentile_then_is_computed(bench: AlarmBench) -> None:
    """p90 and PR come from the values and their counts."""
    put(bench.cloudwatch, Values=[1.0, 9.0], Counts=[89, 11])
    answer = bench.cloudwatch.get_metric_data(
        MetricDataQueries=[query("p", "p90"), query("r", "PR(:1)")], **WINDOW
    )
    assert [each["Values"] for each in answer["MetricDataResults"]] == [[9.0], [89.0]]


@pytest.mark.parametrize(
    "expression", ["SELECT SUM(Latency) FROM Shop", "SEARCH('x', 'Sum')", "nobody + 1", "AVG(a)"]
)
def test_get_metric_data_when_not_supported_then_is_an_error(
    bench: AlarmBench, expression: str
) -> None:
    """What we cannot compute is a ValidationError, never a plausible number."""
    with pytest.raises(ClientError, match="ValidationError"):
        bench.cloudwatch.get_metric_data(
            MetricDataQueries=[query("a"), {"Id": "m", "Expression": expression}], **WINDOW
        )


def test_get_metric_data_when_periods_differ_then_math_is_refused(bench: AlarmBench) -> None:
    """Math needs metrics of one period."""
    other = query("b")
    other["MetricStat"]["Period"] = 300
    with pytest.raises(ClientError, match="one period"):
        bench.cloudwatch.get_metric_data(
            MetricDataQueries=[query("a"), other, {"Id": "m", "Expression": "a + b"}], **WINDOW
        )


def test_list_metrics_when_data_was_put_then_names_it(bench: AlarmBench) -> None:
    """ListMetrics shows each metric once, filtered by name and dimension."""
    put(bench.cloudwatch, Value=1.0, Dimensions=[{"Name": "Arm", "Value": "canary"}])
    put(bench.cloudwatch, Value=1.0)
    found = bench.cloudwatch.list_metrics(
        Namespace="Shop", MetricName="Latency", Dimensions=[{"Name": "Arm"}]
    )
    assert [each["Dimensions"] for each in found["Metrics"]] == [
        [{"Name": "Arm", "Value": "canary"}]
    ]
    assert len(bench.cloudwatch.list_metrics()["Metrics"]) == 2


def test_put_metric_alarm_when_updated_then_keeps_its_state(bench: AlarmBench) -> None:
    """Updating an alarm overwrites its configuration and leaves its state alone."""
    bench.alarm()
    bench.put(9, START)
    bench.run(START + 70)
    bench.alarm(Threshold=7)
    described = bench.cloudwatch.describe_alarms()["MetricAlarms"][0]
    assert (described["StateValue"], described["Threshold"]) == ("ALARM", 7.0)
