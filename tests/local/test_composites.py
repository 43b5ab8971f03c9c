"""Composite alarms: the rule language, evaluation after the children, actions on transition."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from canary.local.alarm_definition import UnsupportedAlarmError
from canary.local.composites import RuleError, evaluation_order, parse_rule
from tests.local.alarm_bench import ACCOUNT, FUNCTION, REGION, START, AlarmBench

STATES = {"a": "ALARM", "b": "OK", "c": "INSUFFICIENT_DATA", "with space": "ALARM"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ALARM(a)", True),
        ('ALARM("a")', True),
        ("ALARM('with space')", True),
        (f"ALARM(arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:a)", True),
        (f'ALARM("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:with space")', True),
        ("ALARM(b)", False),
        ("OK(b) AND INSUFFICIENT_DATA(c)", True),
        ("ALARM(b) OR ALARM(a) AND OK(a)", False),
        ("(ALARM(b) OR ALARM(a)) AND NOT OK(a)", True),
        ("NOT (ALARM(a) AND OK(b))", False),
        ("NOT NOT ALARM(a)", True),
        ("TRUE AND NOT FALSE", True),
        ("ALARM(c)", False),
        ("AT_LEAST(2, ALARM, (a, b, 'with space'))", True),
        ("AT_LEAST(3, ALARM, (a, b, 'with space'))", False),
        ('AT_LEAST(50%, NOT OK, ("a", "b", "c"))', True),
        ("AT_LEAST(70%, ALARM, (a, b, c))", False),
    ],
)
def test_rule_when_evaluated_then_follows_the_states(rule: str, expected: bool) -> None:
    """States, AND over OR, NOT, parentheses, constants, AT_LEAST by count and share."""
    assert parse_rule(rule).holds(STATES) is expected


@pytest.mark.parametrize(
    "rule",
    ["", "ALARM(a", "ALARM()", "a", "ALARM(a) OR", "ALARM(a) ALARM(b)", "AT_LEAST(x, OK, (a))"],
)
def test_rule_when_malformed_then_is_refused(rule: str) -> None:
    """A rule we cannot read is an error, never FALSE."""
    with pytest.raises(RuleError):
        parse_rule(rule)


def test_order_when_composites_nest_then_children_come_first() -> None:
    """A composite is evaluated after those it reads; a circle is refused."""
    rules = {"top": parse_rule("ALARM(middle)"), "middle": parse_rule("ALARM(a)")}
    assert evaluation_order(rules) == ["middle", "top"]
    with pytest.raises(RuleError, match="refer to each other"):
        evaluation_order({"x": parse_rule("ALARM(y)"), "y": parse_rule("ALARM(x)")})


def test_composite_when_a_child_alarms_then_acts_once_in_the_same_round(bench: AlarmBench) -> None:
    """Child, composite and composite of composites move together; only transitions act."""
    topic, queue = bench.topic_with_queue()
    bench.composite("top", "ALARM(middle) AND NOT OK(errors)", AlarmActions=[topic])
    bench.composite("middle", 'ALARM("errors") OR ALARM("slow")')
    bench.alarm("errors")
    bench.alarm("slow", MetricName="Slow")
    for minute, errors in enumerate([0, 9, 9, 9]):
        bench.put(errors, START + 60 * minute)
    bench.run(START + 250)
    assert [each for each in bench.transitions if each[2] == "ALARM"] == [
        ("errors", "OK", "ALARM"),
        ("middle", "OK", "ALARM"),
        ("top", "OK", "ALARM"),
    ]
    (notice,) = bench.messages(queue)
    message = json.loads(notice["Message"])
    assert message["AlarmName"] == "top"
    assert (
        ":alarm:middle transitioned to ALARM at Tuesday 24 November, 2026"
        in (message["NewStateReason"])
    )


def test_composite_when_invoking_a_function_then_says_which_children_triggered(
    bench: AlarmBench,
) -> None:
    """The function gets the rule, and the children in ALARM as reason data."""
    bench.composite("critical", "ALARM(errors)", AlarmActions=[FUNCTION])
    bench.alarm("errors")
    bench.put(9, START)
    bench.run(START + 70)
    assert bench.actions.failures == []
    (event,) = bench.invocations
    assert event["alarmData"]["configuration"] == {"alarmRule": "ALARM(errors)"}
    data = json.loads(event["alarmData"]["state"]["reasonData"])
    assert [each["arn"].rpartition(":")[2] for each in data["triggeringAlarms"]] == ["errors"]


def test_describe_when_both_kinds_exist_then_shows_each_where_it_belongs(
    bench: AlarmBench,
) -> None:
    """DescribeAlarms lists metric alarms and composites apart, with state and rule."""
    bench.composite("critical", "ALARM(errors)")
    bench.alarm("errors")
    bench.put(9, START)
    bench.run(START + 70)
    answer = bench.cloudwatch.describe_alarms(AlarmNames=["critical", "errors"])
    (composite,), (metric,) = answer["CompositeAlarms"], answer["MetricAlarms"]
    assert (composite["AlarmRule"], composite["StateValue"]) == ("ALARM(errors)", "ALARM")
    assert (metric["AlarmName"], metric["StateValue"]) == ("errors", "ALARM")
    assert metric["StateUpdatedTimestamp"].timestamp() == START + 70


def test_load_when_a_child_does_not_exist_then_is_an_error(bench: AlarmBench) -> None:
    """A rule that names nobody stops the region at its start."""
    bench.composite("critical", "ALARM(nobody)")
    with pytest.raises(UnsupportedAlarmError, match="nobody"):
        bench.evaluator.load()


def test_put_when_a_suppressor_is_asked_then_is_refused(bench: AlarmBench) -> None:
    """ActionsSuppressor is not supported, so it is refused rather than ignored."""
    with pytest.raises(ClientError, match="ActionsSuppressor"):
        bench.composite(
            "quiet",
            "ALARM(errors)",
            ActionsSuppressor="errors",
            ActionsSuppressorWaitPeriod=60,
            ActionsSuppressorExtensionPeriod=60,
        )
