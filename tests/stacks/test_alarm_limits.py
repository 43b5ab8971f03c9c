"""Alarms that CloudWatch would refuse are refused at synthesis, and every alarm tells its place."""

from __future__ import annotations

import re
from typing import Any

import pytest

from stacks.constructs.alarm_limits import (
    AlarmLimitError,
    check_composite,
    check_expression,
    with_runbook,
)
from tests.stacks.assembly import ROOT, Alarms, Assembly, text

STACKS_WITH_ALARMS = ("State", "Guardrails", "Progression")


def described(assembly: Assembly) -> dict[str, str]:
    """The description of every alarm and composite, by name."""
    return {
        each["AlarmName"]: text(each["AlarmDescription"])
        for stack in STACKS_WITH_ALARMS
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        for each in assembly.named(stack, kind, "AlarmName").values()
    }


def anchors() -> set[str]:
    """Where a link into the runbook can lead to an alarm: its heading, or an anchor above it."""
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    headings = re.findall(r"^### `([\w-]+)`$", runbook, re.MULTILINE)
    return {*headings, *re.findall(r'<a id="([\w-]+)"></a>', runbook)}


def test_every_alarm_leads_to_its_section_of_the_runbook(assembly: Assembly) -> None:
    """Whoever is woken reads the description first: it ends with where to read on."""
    found = described(assembly)
    assert len(found) > 20
    for name, description in found.items():
        assert description.endswith(f" Runbook: docs/runbook.md#{name}"), name
        assert name in anchors(), name


def test_every_anchor_of_the_runbook_is_an_alarm(assembly: Assembly) -> None:
    """An anchor without its alarm is a section that nobody needs any more."""
    assert anchors() == described(assembly).keys()


def test_synthesized_alarms_keep_the_limits(alarms: Alarms) -> None:
    """Ten metrics and 2,048 characters of metric math an alarm."""
    for name, alarm in alarms.items():
        assert sum("MetricStat" in each for each in alarm["Metrics"]) <= 10, name
        assert all(len(each.get("Expression", "")) <= 2048 for each in alarm["Metrics"]), name


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (lambda: check_expression("a", "m1", 11), "alarm a: 11 metrics; CloudWatch takes 10"),
        (lambda: check_expression("a", "e" * 2049, 1), "2049 characters; CloudWatch takes 2048"),
        (lambda: check_composite("c", []), "composite c: no alarm is in it"),
        (lambda: check_composite("c", ["a"] * 101), "101 alarms; CloudWatch takes 100"),
        (lambda: check_composite("c", ["n" * 200] * 60), "characters; CloudWatch takes 10240"),
        (lambda: with_runbook("a", "d" * 1000), "characters; CloudWatch takes 1024"),
    ],
)
def test_what_cloudwatch_would_refuse_is_named_with_its_limit(check: Any, said: str) -> None:
    """One sentence: which alarm, how much, how much is allowed."""
    with pytest.raises(AlarmLimitError, match=said):
        check()


def test_what_just_fits_is_accepted() -> None:
    """The limits are the last values that pass."""
    check_expression("a", "e" * 2048, 10)
    check_composite("c", ["a"] * 100)
    assert len(with_runbook("a", "d" * (1024 - len(with_runbook("a", ""))))) == 1024
