"""Whoever asks for a rollback, and however badly: traffic becomes safe, and it says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from canary.aws.faults import told
from canary.aws.requests import Request, read_request
from canary.release.model import Cause

STATE = {"value": "ALARM", "reason": "errors", "timestamp": "2026-11-30T00:00:00.000+0000"}
RAISED_AT = 1_795_996_800.0
"""That moment in epoch seconds: the objective is counted from there."""
ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"
METRIC = {
    "source": "aws.cloudwatch",
    "alarmArn": f"{ARN}canary-5xx",
    "accountId": "123456789012",
    "alarmData": {"alarmName": "canary-5xx", "state": STATE, "configuration": {"metrics": []}},
}
COMPOSITE = {
    "source": "aws.cloudwatch",
    "alarmArn": f"{ARN}canary-critical",
    "alarmData": {
        "alarmName": "canary-critical",
        "state": STATE
        | {"reasonData": json.dumps({"triggeringAlarms": [{"arn": f"{ARN}canary-5xx"}]})},
        "configuration": {"alarmRule": "ALARM(canary-5xx)"},
    },
}
CHANGE = {
    "source": "aws.cloudwatch",
    "detail-type": "CloudWatch Alarm State Change",
    "detail": {"alarmName": "canary-5xx", "state": STATE, "previousState": {"value": "OK"}},
}


def topic(state: str) -> dict[str, Any]:
    message = {"AlarmName": "canary-5xx", "NewStateValue": state, "NewStateReason": "errors"}
    message["StateChangeTime"] = STATE["timestamp"]
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(message)}}]}


@pytest.mark.parametrize(
    ("event", "alarms"),
    [
        (METRIC, ("canary-5xx",)),
        (COMPOSITE, ("canary-critical", "canary-5xx")),
        (CHANGE, ("canary-5xx",)),
        (topic("ALARM"), ("canary-5xx",)),
    ],
)
def test_an_alarm_is_an_alarm_in_each_of_its_documents(
    event: dict[str, Any], alarms: tuple[str, ...]
) -> None:
    """Metric and composite action, EventBridge's event, SNS's message: one request, a strike."""
    asked = read_request(event)
    assert asked == Request(
        source="alarm",
        release_id="",
        cause=Cause.CRITICAL_ALARM,
        strike=True,
        detail="errors",
        alarms=alarms,
        raised_at=RAISED_AT,
    )


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_an_alarm_that_is_not_raised_asks_for_nothing(state: str) -> None:
    """In each of its documents."""
    quiet = {"alarmName": "canary-5xx", "state": {"value": state}}
    assert read_request(topic(state)) is None
    assert read_request({"source": "aws.cloudwatch", "alarmData": quiet}) is None
    assert read_request({"source": "aws.cloudwatch", "detail": quiet}) is None


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "roll back",
        {},
        {"source": "operator", "cause": "because"},
        {"source": "aws.cloudwatch"},
        {"source": "aws.cloudwatch", "alarmData": {"alarmName": "canary-5xx"}},
        {"source": "aws.cloudwatch", "alarmData": {"state": {"value": "ALARM"}}},
        {"source": "aws.cloudwatch", "detail": {"alarmName": "x", "state": {"value": "RED"}}},
        {"detail-type": "Step Functions Execution Status Change"},
        {"Records": [{"Sns": {"Message": "not JSON"}}]},
        {"Records": [{"s3": {}}]},
    ],
)
def test_what_cannot_be_read_is_a_wish_for_safety(event: Any) -> None:
    """No strike for anybody, and the words of the event for whoever looks."""
    asked = read_request(event)
    assert asked is not None
    assert (asked.source, asked.release_id, asked.strike) == ("unknown", "", False)
    assert asked.cause is Cause.MACHINERY
    assert str(event)[:20] in asked.detail


def test_a_failed_state_is_told_in_words() -> None:
    """Its cause is a document with a trace, which people who hold a release need not read."""
    cause = '{"errorMessage": "Read timed out", "errorType": "ReadTimeoutError", "stackTrace": []}'
    event = {"source": "progression", "cause": "machinery", "detail": cause}
    request = read_request(event)
    assert request is not None
    assert request.detail == "ReadTimeoutError: Read timed out"
    for text in ("completion is lower", '{"a": 1}', "[1]"):
        assert told(text) == text


def test_a_stamp_that_is_none_costs_only_the_measure() -> None:
    """Traffic moves all the same."""
    state = STATE | {"timestamp": "yesterday"}
    found = read_request(METRIC | {"alarmData": {"alarmName": "canary-5xx", "state": state}})
    assert found is not None
    assert (found.raised_at, found.cause) == (None, Cause.CRITICAL_ALARM)
