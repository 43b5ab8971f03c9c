"""What an alarm says when its state changes, in the shapes that AWS sends."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import botocore.session

from canary.local.alarm_definition import COMPARISONS, MetricAlarm, query_request
from canary.local.metric_query import epoch

__all__ = [
    "Change",
    "composite_reason",
    "event_detail",
    "invocation",
    "metric_reason",
    "sns_notice",
]


@dataclass(frozen=True)
class Change:
    """One state as AWS reports it; `at` is epoch seconds, `data` the reason data's JSON text."""

    value: str
    reason: str
    data: str
    at: float

    def to_dict(self) -> dict[str, str]:
        """The `state` and `previousState` objects of events."""
        state = {"value": self.value, "reason": self.reason, "timestamp": stamp(self.at)}
        return state | ({"reasonData": self.data} if self.data not in ("", "{}") else {})


def stamp(at: float) -> str:
    """Epoch seconds as 2026-11-24T10:00:00.000+0000."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def metric_reason(
    alarm: MetricAlarm, state: str, points: Sequence[float | None], end: float, at: float
) -> tuple[str, str]:
    """StateReason and StateReasonData; the newest point's window ends at `end`."""
    stamped = [
        (point, end - (len(points) - index) * alarm.period)
        for index, point in enumerate(points)
        if point is not None
    ][-alarm.periods :]
    data: dict[str, Any] = {
        "version": "1.0",
        "queryDate": stamp(at),
        "period": alarm.period,
        "recentDatapoints": [point for point, _ in stamped],
        "threshold": alarm.threshold,
        "evaluatedDatapoints": [
            {"timestamp": stamp(start), "value": point} for point, start in reversed(stamped)
        ],
    }
    if stamped:
        data["startDate"] = stamp(stamped[0][1])
    if alarm.subject.statistic:
        data["statistic"] = alarm.subject.statistic
    if not stamped:
        treated = "" if alarm.treatment == "missing" else f" treated as [{alarm.treatment}]"
        text = f"{alarm.periods} missing datapoints{treated}"
        reason = (
            f"Insufficient Data: {text}."
            if state == "INSUFFICIENT_DATA"
            else f"Threshold Crossed: {text}."
        )
        return reason, json.dumps(data)
    wording = COMPARISONS[alarm.comparison][1]
    shown = ", ".join(f"{point} ({_short(start)})" for point, start in reversed(stamped))
    breaching = state == "ALARM"
    relation = "was" if len(stamped) == 1 else "were"
    reason = (
        f"Threshold Crossed: {len(stamped)} datapoint{'s' if len(stamped) > 1 else ''} [{shown}] "
        f"{relation} {'' if breaching else 'not '}{wording} the threshold ({alarm.threshold}) "
        f"(minimum {alarm.to_alarm} datapoint{'s' if alarm.to_alarm > 1 else ''} "
        "for OK -> ALARM transition)."
    )
    return reason, json.dumps(data)


def composite_reason(
    changed: Sequence[tuple[str, Change]], in_alarm: Sequence[tuple[str, Change]]
) -> tuple[str, str]:
    """StateReason and StateReasonData of a composite: what moved, and which children are in ALARM.

    Both are (ARN, state) pairs; `changed` is empty at the first evaluation.
    """
    said = [
        f"{arn} transitioned to {change.value} at "
        f"{datetime.fromtimestamp(change.at, UTC):%A %d %B, %Y %H:%M:%S UTC}"
        for arn, change in changed
    ]
    data = {
        "triggeringAlarms": [
            {"arn": arn, "state": {"value": change.value, "timestamp": stamp(change.at)}}
            for arn, change in in_alarm
        ]
    }
    return "; ".join(said) or "Alarm was created and its alarm rule evaluates to FALSE", json.dumps(
        data
    )


def configuration(alarm: Any) -> dict[str, Any]:
    """The `configuration` object of events, of a metric alarm or a composite."""
    result: dict[str, Any] = {}
    if alarm.description:
        result["description"] = alarm.description
    if alarm.rule is not None:
        return {"alarmRule": alarm.rule, **result}
    return {**result, "metrics": [_event_query(query) for query in _requests(alarm)]}


def event_detail(alarm: Any, new: Change, old: Change) -> dict[str, Any]:
    """The detail of EventBridge's `CloudWatch Alarm State Change`."""
    return {
        "alarmName": alarm.name,
        "state": new.to_dict(),
        "previousState": old.to_dict(),
        "configuration": configuration(alarm),
    }


def invocation(alarm: Any, account: str, region: str, new: Change, old: Change) -> dict[str, Any]:
    """The event a Lambda function gets as an alarm's action."""
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm.alarm_arn,
        "accountId": account,
        "time": stamp(new.at),
        "region": region,
        "alarmData": event_detail(alarm, new, old),
    }


def sns_notice(alarm: Any, account: str, region: str, new: Change, old: Change) -> tuple[str, str]:
    """Subject (at most 100 characters) and message of an SNS notification."""
    place = region_name(region)
    message: dict[str, Any] = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description or None,
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": stamp(epoch(alarm.configuration_updated_timestamp)),
        "NewStateValue": new.value,
        "NewStateReason": new.reason,
        "StateChangeTime": stamp(new.at),
        "Region": place,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": old.value,
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
    }
    if alarm.rule is not None:
        message["AlarmRule"] = alarm.rule
    else:
        message["Trigger"] = _trigger(alarm)
    return f'{new.value}: "{alarm.name}" in {place}'[:100], json.dumps(message)


@functools.cache
def region_name(region: str) -> str:
    """How AWS names a region in its notices: US East (N. Virginia)."""
    partitions = botocore.session.get_session().get_data("endpoints")["partitions"]
    known = {code: each["description"] for p in partitions for code, each in p["regions"].items()}
    return str(known.get(region, region))


def _short(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S}"


def _requests(alarm: Any) -> list[dict[str, Any]]:
    if alarm.metric_data_queries:
        return [query_request(query) for query in alarm.metric_data_queries]
    return [
        {
            "Id": "m1",
            "ReturnData": True,
            "MetricStat": {
                "Metric": {
                    "Namespace": alarm.namespace,
                    "MetricName": alarm.metric_name,
                    "Dimensions": [
                        {"Name": each.name, "Value": each.value} for each in alarm.dimensions
                    ],
                },
                "Period": int(alarm.period),
                "Stat": alarm.extended_statistic or alarm.statistic,
            },
        }
    ]


def _event_query(request: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"id": request["Id"], "returnData": request["ReturnData"]}
    if "Label" in request:
        result["label"] = request["Label"]
    if "Expression" in request:
        result["expression"] = request["Expression"]
    if stat := request.get("MetricStat"):
        metric = stat["Metric"]
        result["metricStat"] = {
            "metric": {
                "namespace": metric["Namespace"],
                "name": metric["MetricName"],
                "dimensions": {each["Name"]: each["Value"] for each in metric["Dimensions"]},
            },
            "period": stat["Period"],
            "stat": stat["Stat"],
        }
    return result


def _trigger(alarm: Any) -> dict[str, Any]:
    trigger: dict[str, Any] = {
        "Period": int(alarm.period or 0),
        "EvaluationPeriods": int(alarm.evaluation_periods),
        "DatapointsToAlarm": int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        "ComparisonOperator": alarm.comparison_operator,
        "Threshold": float(alarm.threshold),
        "TreatMissingData": alarm.treat_missing_data or "missing",
    }
    if alarm.metric_data_queries:
        return trigger | {"Metrics": _requests(alarm)}
    return trigger | {
        "MetricName": alarm.metric_name,
        "Namespace": alarm.namespace,
        "Statistic": alarm.statistic or alarm.extended_statistic,
        "Dimensions": [{"name": each.name, "value": each.value} for each in alarm.dimensions],
    }
