"""EventBridge: patterns, targets, inputs and schedules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from canary.local.emulator import ACCOUNT, Emulator
from canary.local.parts import Parts
from canary.local.scheduler import Scheduler, rate_seconds
from tests.local.emulator.bench import (
    REGION,
    eventually,
    lines_of,
    make_function,
    make_machine,
)

PRINTS = "import json\ndef handler(event, context):\n    print(json.dumps(event))\n"


def rule(emulator: Emulator, name: str, target: dict[str, Any], **how: Any) -> str:
    client = emulator.client("events")
    arn = client.put_rule(Name=name, **how)["RuleArn"]
    client.put_targets(Rule=name, Targets=[{"Id": "1", **target}])
    return str(arn)


def function(emulator: Emulator, name: str, rule_name: str, code: str = PRINTS) -> str:
    """A function that lets one rule in."""
    arn = make_function(emulator, name, code)
    emulator.client("lambda").add_permission(
        FunctionName=name,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule_name}",
    )
    return arn


def put(emulator: Emulator, source: str, **detail: Any) -> None:
    emulator.client("events").put_events(
        Entries=[{"Source": source, "DetailType": "Said", "Detail": json.dumps(detail)}]
    )


def seen(parts: Parts, name: str) -> list[Any]:
    return [json.loads(line) for line in lines_of(parts, name)]


def test_event_when_pattern_matches_then_function_gets_it_whole(
    emulator: Emulator, parts: Parts
) -> None:
    """Only the event that matches arrives, in EventBridge's own form."""
    arn = function(emulator, "matching", "matching")
    pattern = {"source": ["shop"], "detail": {"state": ["ALARM"]}}
    rule(emulator, "matching", {"Arn": arn}, EventPattern=json.dumps(pattern))
    put(emulator, "shop", state="OK")
    put(emulator, "shop", state="ALARM")
    assert parts.functions.events.wait_until_idle(20)
    (event,) = seen(parts, "matching")
    assert event["detail"] == {"state": "ALARM"}
    assert (event["source"], event["detail-type"], event["region"]) == ("shop", "Said", REGION)
    assert event["time"].endswith("Z")


def test_event_when_rule_has_only_a_schedule_then_is_not_for_it(
    emulator: Emulator, parts: Parts
) -> None:
    """A reconciler on a schedule does not run for every event on the bus."""
    arn = function(emulator, "scheduled-only", "scheduled-only")
    rule(emulator, "scheduled-only", {"Arn": arn}, ScheduleExpression="rate(1 minute)")
    put(emulator, "shop", any=1)
    assert parts.functions.events.wait_until_idle(20)
    assert seen(parts, "scheduled-only") == []


def test_event_when_function_has_no_permission_then_failure_is_kept(
    emulator: Emulator, parts: Parts
) -> None:
    """A rule whose permission was forgotten reaches nothing, and the region says why."""
    arn = make_function(emulator, "closed", PRINTS)
    rule(emulator, "closed", {"Arn": arn}, EventPattern='{"source": ["closed"]}')
    put(emulator, "closed")
    assert parts.functions.events.wait_until_idle(20)
    assert seen(parts, "closed") == []
    assert "no permission" in parts.functions.events.failures[-1].reason


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"Input": '{"fixed": true}'}, {"fixed": True}),
        ({"InputPath": "$.detail"}, {"alarm": "a"}),
    ],
    ids=["fixed", "path"],
)
def test_event_when_target_has_an_input_then_gets_that(
    emulator: Emulator, parts: Parts, how: dict[str, Any], expected: Any
) -> None:
    """A target's constant or path replaces the event."""
    name = f"input-{next(iter(how)).lower()}"
    arn = function(emulator, name, name)
    rule(emulator, name, {"Arn": arn, **how}, EventPattern=json.dumps({"source": [name]}))
    put(emulator, name, alarm="a")
    assert parts.functions.events.wait_until_idle(20)
    assert seen(parts, name) == [expected]


def test_event_when_target_is_a_machine_then_starts_with_it(emulator: Emulator) -> None:
    """A rule starts a state machine on its event."""
    arn = make_machine(emulator, "started", {"A": {"Type": "Pass", "End": True}})
    rule(emulator, "machine", {"Arn": arn}, EventPattern='{"source": ["machine"]}')
    put(emulator, "machine", x=1)
    client = emulator.client("stepfunctions")
    (run,) = eventually(lambda: client.list_executions(stateMachineArn=arn)["executions"])
    given = client.describe_execution(executionArn=run["executionArn"])["input"]
    assert json.loads(given)["detail"] == {"x": 1}


def test_event_when_target_is_a_topic_then_is_published(emulator: Emulator) -> None:
    """A rule tells a topic, and through it whoever subscribed."""
    sns, sqs = emulator.client("sns"), emulator.client("sqs")
    topic = sns.create_topic(Name="told")["TopicArn"]
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:told"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    rule(emulator, "topic", {"Arn": topic}, EventPattern='{"source": ["topic"]}')
    put(emulator, "topic", y=2)
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    notice = json.loads(json.loads(message["Body"])["Message"])
    assert notice["detail"] == {"y": 2}


def test_event_when_one_target_fails_then_others_still_get_it(
    emulator: Emulator, parts: Parts
) -> None:
    """A target of a kind that is not emulated is named in the failures and stops no other."""
    arn = function(emulator, "second-target", "two")
    rule(emulator, "two", {"Arn": arn}, EventPattern='{"source": ["two"]}')
    kinesis = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
    emulator.client("events").put_targets(Rule="two", Targets=[{"Id": "0", "Arn": kinesis}])
    put(emulator, "two")
    assert parts.functions.events.wait_until_idle(20)
    assert len(seen(parts, "second-target")) == 1
    assert any(
        "kinesis are not emulated" in each.reason for each in parts.functions.events.failures
    )


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(1 minute)", 60.0), ("rate(5 minutes)", 300.0), ("rate(2 hours)", 7_200.0)],
)
def test_rate_when_written_as_aws_does_then_is_seconds(expression: str, seconds: float) -> None:
    """Singular and plural units are understood."""
    assert rate_seconds(expression) == seconds


def test_rate_when_schedule_is_another_then_is_refused() -> None:
    """A cron expression would never fire: better an error than silence."""
    with pytest.raises(ValueError, match="cron"):
        rate_seconds("cron(0 12 * * ? *)")


@pytest.fixture
def schedules(parts: Parts) -> Iterator[Scheduler]:
    made = Scheduler(parts.bus, parts.functions, parts.clock)
    made.start()
    yield made
    made.stop()


def test_schedule_when_minutes_pass_then_fires_each_without_overlap(
    emulator: Emulator, parts: Parts, schedules: Scheduler
) -> None:
    """A minute of the clock is a firing, but never while the last one still runs."""
    code = """
    import json, time
    def handler(event, context):
        print(json.dumps(["in", event["detail-type"]]))
        time.sleep(0.3)
        print(json.dumps(["out", event["detail-type"]]))
    """
    arn = function(emulator, "ticking", "ticking", code)
    rule(emulator, "ticking", {"Arn": arn}, ScheduleExpression="rate(1 minute)")
    eventually(lambda: len(seen(parts, "ticking")) >= 6)
    emulator.client("events").disable_rule(Name="ticking")
    assert parts.functions.events.wait_until_idle(20)
    steps = [step for step, kind in seen(parts, "ticking") if kind == "Scheduled Event"]
    assert steps == ["in", "out"] * (len(steps) // 2)
    assert schedules.failures == []


def test_schedule_when_expression_is_unknown_then_failure_says_so(
    emulator: Emulator, schedules: Scheduler
) -> None:
    """A schedule that cannot fire is told once and stops no other."""
    arn = function(emulator, "never", "never")
    rule(emulator, "never", {"Arn": arn}, ScheduleExpression="cron(0 12 * * ? *)")
    eventually(lambda: schedules.failures)
    assert "cron" in schedules.failures[0]
    assert len(schedules.failures) == 1
