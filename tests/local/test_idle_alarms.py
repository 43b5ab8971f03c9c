"""With no release every alarm of the templates is OK, by the embedded region's own evaluator."""

from __future__ import annotations

import json
from typing import Any

import pytest

from canary.local.shapes import to_request
from tests.local.alarm_bench import START, AlarmBench
from tests.stacks.assembly import Assembly, shared_assembly, text

IDLE_MINUTES = 40
"""Longer than the longest window of the policy's rates."""


@pytest.fixture(scope="module")
def assembly() -> Assembly:
    return shared_assembly()


def plain(value: Any) -> Any:
    """A template's value with every reference as text."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref")):
            return text(value)
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


def put_alarms(bench: AlarmBench, assembly: Assembly) -> set[str]:
    """Create every alarm of every stack, without its actions; their names."""
    names = set()
    composites = []
    for path in sorted(assembly.path.glob("assembly-us-east-1/*.template.json")):
        resources = json.loads(path.read_text())["Resources"]
        by_id = {
            name: each["Properties"]["AlarmName"]
            for name, each in resources.items()
            if each["Type"].startswith("AWS::CloudWatch::") and "AlarmName" in each["Properties"]
        }
        for logical_id, name in by_id.items():
            properties = {**plain(resources[logical_id]["Properties"]), "AlarmActions": []}
            names.add(name)
            if resources[logical_id]["Type"] == "AWS::CloudWatch::CompositeAlarm":
                for child, called in by_id.items():
                    rule = properties["AlarmRule"].replace(f"${{{child}}}", called)
                    properties["AlarmRule"] = rule
                composites.append(properties)
                continue
            asked = to_request(bench.cloudwatch, "put_metric_alarm", properties, ignore=("Tags",))
            bench.cloudwatch.put_metric_alarm(**asked)
    for properties in composites:
        asked = to_request(bench.cloudwatch, "put_composite_alarm", properties)
        bench.cloudwatch.put_composite_alarm(**asked)
    return names


def series(bench: AlarmBench, name: str) -> set[str]:
    """The ids of dimension sets that alarms read of a metric, as the store's keys."""
    described = bench.cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm"])["MetricAlarms"]
    return {
        json.dumps([metric["Namespace"], metric["MetricName"], metric.get("Dimensions", [])])
        for alarm in described
        for query in alarm.get("Metrics", [])
        if (metric := query.get("MetricStat", {}).get("Metric")) and metric["MetricName"] == name
    }


def publish(bench: AlarmBench, name: str, value: float, *, only: str = "") -> None:
    """Publish a value each minute in every series of a metric that an alarm reads."""
    from canary.local.metrics import series_key

    for known in series(bench, name):
        if only in known:
            namespace, metric, dimensions = json.loads(known)
            key = series_key(
                namespace, metric, {each["Name"]: each["Value"] for each in dimensions}
            )
            for minute in range(IDLE_MINUTES):
                bench.store.put(key, value, at=START + 60 * minute + 1, resolution=60)


@pytest.mark.parametrize("traffic", [False, True])
def test_every_alarm_is_ok_with_no_release(
    bench: AlarmBench, assembly: Assembly, traffic: bool
) -> None:
    """Silent, or with customers on control alone, some of whose requests fail as they always do."""
    names = put_alarms(bench, assembly)
    publish(bench, "AskedShare", 0.0)
    publish(bench, "HealthyHostCount", 0.0, only="Canary")
    if traffic:
        publish(bench, "Requests", 600.0, only="control")
        publish(bench, "Errors", 4.0, only="control")
        publish(bench, "RequestCount", 600.0, only="Primary")
        publish(bench, "HTTPCode_Target_5XX_Count", 4.0, only="Primary")
    bench.evaluator.load()
    bench.run(START + 60 * IDLE_MINUTES)
    states = {name: bench.state(name) for name in names}
    assert len(states) > 20
    assert {name: state for name, state in states.items() if state != "OK"} == {}
    assert [each for each in bench.transitions if each[2] == "ALARM"] == []


def test_the_same_alarms_do_ring_when_the_canary_has_no_healthy_task(
    bench: AlarmBench, assembly: Assembly
) -> None:
    """What is OK without a release is not OK by being deaf."""
    put_alarms(bench, assembly)
    publish(bench, "AskedShare", 0.05)
    publish(bench, "HealthyHostCount", 0.0)
    bench.evaluator.load()
    bench.run(START + 60 * IDLE_MINUTES)
    ringing = ("canary-no-healthy-host", "canary-silent", "canary-critical")
    assert {name: bench.state(name) for name in ringing} == dict.fromkeys(ringing, "ALARM")
