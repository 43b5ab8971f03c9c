"""The page's part on alarms: what each watches, from which threshold, and whom it calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from canary.review.assembly import Region, Stack
from canary.review.blocks import Block, table
from canary.review.names import Names

__all__ = ["alarm_blocks"]

_COMPARISONS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": "≥",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "≤",
}
_CHILD = re.compile(r'(ALARM|OK|INSUFFICIENT_DATA)\("?([^")]+)"?\)')
_LISTENERS = {
    "AWS::CloudWatch::CompositeAlarm": "AlarmRule",
    "AWS::Events::Rule": "EventPattern",
    "AWS::CodeDeploy::DeploymentGroup": "AlarmConfiguration",
}
"""Types that act on alarms, and the property that names which."""
_NOBODY = "nobody by itself"


def alarm_blocks(region: Region, names: Names) -> tuple[Block, ...]:
    """One block for the metric alarms, one for the composites, one for rules that watch them."""
    alarms = sorted(
        (names.short(stack, key), _metric_row(stack, each["Properties"], names, region))
        for stack, key, each in region.of_type("AWS::CloudWatch::Alarm")
    )
    composites = sorted(
        (names.short(stack, key), _composite_row(stack, each["Properties"], names))
        for stack, key, each in region.of_type("AWS::CloudWatch::CompositeAlarm")
    )
    heads = ("alarm", "raised when", "no data is", "calls", "in its words")
    return (
        Block("Alarms on metrics", table(heads, [(f"`{name}`", *row) for name, row in alarms])),
        Block(
            "Composite alarms",
            table(
                ("alarm", "raised when", "held back by", "calls", "in its words"),
                [(f"`{name}`", *row) for name, row in composites],
            ),
        ),
        Block("Rules on events", _rules(region, names)),
    )


def _metric_row(
    stack: Stack, properties: Mapping[str, Any], names: Names, region: Region
) -> tuple[str, ...]:
    comparison = properties["ComparisonOperator"]
    limit = f"{_COMPARISONS.get(comparison, comparison)} {properties.get('Threshold', '')}"
    periods = properties["EvaluationPeriods"]
    points = properties.get("DatapointsToAlarm", periods)
    shown = [_watched(each, names, stack) for each in properties.get("Metrics", ())]
    shown = [each for each in shown if each] or [_single(stack, properties, names)]
    actions = _actions(stack, properties, names, "AlarmActions")
    called = actions or _through(region, names, names.text(stack, properties.get("AlarmName", "")))
    return (
        f"{', '.join(shown)} {limit} in {points} of {periods}",
        str(properties.get("TreatMissingData", "missing")),
        called,
        names.text(stack, properties.get("AlarmDescription", "")),
    )


def _watched(query: Mapping[str, Any], names: Names, stack: Stack) -> str:
    """What returns data; of an expression the alarm's own words tell more."""
    if not query.get("ReturnData", True):
        return ""
    if "MetricStat" in query:
        stat = query["MetricStat"]
        metric = names.text(stack, stat["Metric"]["MetricName"])
        return f"{stat['Stat']} of {metric} ({stat['Period']} s)"
    return "its expression"


def _single(stack: Stack, properties: Mapping[str, Any], names: Names) -> str:
    statistic = properties.get("Statistic", properties.get("ExtendedStatistic", ""))
    metric = names.text(stack, properties.get("MetricName", ""))
    return f"{statistic} of {metric} ({properties.get('Period', '?')} s)"


def _composite_row(stack: Stack, properties: Mapping[str, Any], names: Names) -> tuple[str, ...]:
    rule = names.text(stack, properties["AlarmRule"])
    children = sorted(name for state, name in _CHILD.findall(rule) if state == "ALARM")
    simple = re.fullmatch(r"\s*(ALARM\([^)]*\)(\s+OR\s+|\s*))+", rule) is not None
    words = (
        f"one of {len(children)} is: {', '.join(f'`{each}`' for each in children)}"
        if simple
        else f"`{rule}`"
    )
    suppressor = properties.get("ActionsSuppressor")
    return (
        words,
        f"`{names.text(stack, suppressor)}`" if suppressor else "nothing",
        _actions(stack, properties, names, "AlarmActions") or _NOBODY,
        names.text(stack, properties.get("AlarmDescription", "")),
    )


def _actions(stack: Stack, properties: Mapping[str, Any], names: Names, key: str) -> str:
    labels = []
    for action in properties.get(key, ()):
        target = names.target(stack, action)
        labels.append(names.label(*target) if target else f"`{names.text(stack, action)}`")
    disabled = "" if properties.get("ActionsEnabled", True) else " (switched off)"
    return ", ".join(sorted(labels)) + disabled


def _through(region: Region, names: Names, alarm: str) -> str:
    """What listens to an alarm without actions: composites, rules on events, deployments."""
    listeners = []
    for kind, place in _LISTENERS.items():
        for stack, key, each in region.of_type(kind):
            said = names.text(stack, each["Properties"].get(place, ""))
            if re.search(rf"(?<![\w-]){re.escape(alarm)}(?![\w-])", said):
                listeners.append(names.label(stack, key))
    return f"through {', '.join(sorted(listeners))}" if listeners else _NOBODY


def _rules(region: Region, names: Names) -> str:
    rows = []
    for stack, key, each in region.of_type("AWS::Events::Rule"):
        properties = each["Properties"]
        targets = []
        for target in properties.get("Targets", ()):
            found = names.target(stack, target["Arn"])
            targets.append(
                names.label(*found) if found else f"`{names.text(stack, target['Arn'])}`"
            )
        when = properties.get("ScheduleExpression") or _pattern(
            names.text(stack, properties.get("EventPattern", {}))
        )
        rows.append((f"`{names.short(stack, key)}`", f"`{when}`", ", ".join(sorted(targets))))
    return table(("rule", "when", "calls"), sorted(rows))


def _pattern(text: str) -> str:
    return text.removeprefix("{").removesuffix("}")
