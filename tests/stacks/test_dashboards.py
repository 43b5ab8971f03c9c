"""The dashboards: what they show exists, and is shown for the region that it is of."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import pytest

from canary.policy.compile import compile_policy, load_policy
from canary.quality.counters import COUNTERS
from services.api.counters import Counters
from tests.stacks.assembly import ROOT, Assembly, text
from tests.stacks.expression import evaluate

REGIONS = ("us-east-1", "ap-northeast-1")
OWN = "MangaAssist/Canary"
OF_AWS = {
    "AWS/ApplicationELB": {
        "HTTPCode_Target_5XX_Count",
        "HealthyHostCount",
        "TargetConnectionErrorCount",
        "TargetResponseTime",
    },
    "AWS/Lambda": {"Errors", "Invocations", "Throttles"},
    "AWS/States": {"ExecutionsFailed", "ExecutionsStarted", "ExecutionsSucceeded"},
}
GRID = 24


def dashboards(assembly: Assembly, region: str) -> dict[str, list[dict[str, Any]]]:
    """The widgets of a region's dashboards, by name."""
    named = assembly.resources("Dashboards", "AWS::CloudWatch::Dashboard", region).values()
    return {
        each["Properties"]["DashboardName"]: json.loads(text(each["Properties"]["DashboardBody"]))[
            "widgets"
        ]
        for each in named
    }


def all_widgets(assembly: Assembly) -> list[dict[str, Any]]:
    """Every widget of every dashboard."""
    return [
        widget
        for region in REGIONS
        for widgets in dashboards(assembly, region).values()
        for widget in widgets
    ]


def metrics(widget: dict[str, Any]) -> list[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of each metric of a widget; `...` repeats are not used."""
    found = []
    for line in widget["properties"].get("metrics", []):
        words = [each for each in line if isinstance(each, str)]
        if words:
            pairs = words[2:]
            found.append((words[0], words[1], dict(zip(pairs[::2], pairs[1::2], strict=True))))
    return found


def expressions(widget: dict[str, Any]) -> list[str]:
    """The metric math of a widget."""
    return [
        line[-1]["expression"]
        for line in widget["properties"].get("metrics", [])
        if isinstance(line[-1], dict) and "expression" in line[-1]
    ]


def alarms(widget: dict[str, Any]) -> list[str]:
    """The ARNs in a widget of alarms."""
    return [text(each) for each in widget["properties"].get("alarms", [])]


def published(assembly: Assembly) -> set[str]:
    """Names that deployed code publishes: the API's counts, and what those that publish name."""
    names = set(Counters().take(0.0)["canary"]) | set(COUNTERS.values())
    adapters = (ROOT / "canary" / "aws").glob("*.py")
    for path in (*(ROOT / "lambdas").glob("*/handler.py"), *adapters):
        source = path.read_text()
        if re.search(r"\bmetrics\.put", source, re.IGNORECASE):
            constants = (
                each.value for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Constant)
            )
            names |= {each for each in constants if isinstance(each, str)}
    policy = load_policy(ROOT / "policy" / "mangaassist.toml")
    for region in REGIONS:
        for trigger in compile_policy(policy, region).triggers:
            words = (word.capitalize() for word in trigger.metric.split("_"))
            names.add("Harm" + "".join(words))
    return names


def test_each_region_has_its_dashboard_and_the_first_also_the_global_one(
    assembly: Assembly,
) -> None:
    """Dashboards belong to the account, so that a name which two regions share would be a fight."""
    assert dashboards(assembly, "us-east-1").keys() == {
        "mangaassist-canary-us-east-1",
        "mangaassist-canary",
    }
    assert dashboards(assembly, "ap-northeast-1").keys() == {"mangaassist-canary-ap-northeast-1"}


def test_every_metric_of_a_widget_is_published(assembly: Assembly) -> None:
    """A graph of a metric that nobody publishes is empty for ever, and looks like peace."""
    known = published(assembly)
    count = 0
    for widget in all_widgets(assembly):
        for namespace, name, dimensions in metrics(widget):
            count += 1
            if namespace == OWN:
                assert name in known, name
                assert dimensions.keys() <= {"Arm"}
                assert set(dimensions.values()) <= {"control", "canary"}
            else:
                assert name in OF_AWS[namespace], name
                assert dimensions
    assert count > 50


def test_every_expression_gives_a_rate(assembly: Assembly) -> None:
    """Each is metric math that can be computed, and its value is a share of one."""
    found = {each for widget in all_widgets(assembly) for each in expressions(widget)}
    assert found
    for each in found:
        value = evaluate(each, e=10.0, n=1000.0, ec=2.0, nc=3000.0)
        assert 0 <= value <= 1, each


def test_every_id_in_an_expression_is_a_metric_of_its_widget(assembly: Assembly) -> None:
    """An expression over an id that is not there breaks the whole widget."""
    for widget in all_widgets(assembly):
        ids = {
            line[-1]["id"]
            for line in widget["properties"].get("metrics", [])
            if isinstance(line[-1], dict) and "id" in line[-1]
        }
        for each in expressions(widget):
            assert set(re.findall(r"\b[a-z]\w*\b", each)) <= ids


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_shows_both_arms_of_each_watched_rate(assembly: Assembly, region: str) -> None:
    """Requests, each rate with its bound and limit, each harm, the share, and the release."""
    policy = compile_policy(load_policy(ROOT / "policy" / "mangaassist.toml"), region)
    widgets = dashboards(assembly, region)[f"mangaassist-canary-{region}"]
    titles = {widget["properties"].get("title", ""): widget for widget in widgets}
    for trigger in policy.triggers:
        if trigger.statistic == "harm":
            harm = titles[f"Harm to {trigger.metric}, at least ({trigger.unit})"]
            (limit,) = harm["properties"]["annotations"]["horizontal"]
            assert limit["value"] == trigger.threshold
            continue
        rate = titles[f"Rate of {trigger.name}"]
        arms = {dimensions["Arm"] for _, _, dimensions in metrics(rate)}
        assert arms == {"control", "canary"}
        assert len(expressions(rate)) == 3
        assert rate["properties"]["annotations"]["horizontal"]
    assert {"Requests", "Share of the canary", f"Release in {region}"} <= titles.keys()


@pytest.mark.parametrize("region", REGIONS)
def test_the_alarms_of_a_region_are_all_on_its_dashboard(assembly: Assembly, region: str) -> None:
    """Every alarm with a name, whichever stack has it: one that is left out is one not seen."""
    widgets = dashboards(assembly, region)[f"mangaassist-canary-{region}"]
    shown = [arn for widget in widgets for arn in alarms(widget)]
    names = {
        properties["AlarmName"]
        for stack in assembly.stacks(region)
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        for each in assembly.resources(stack, kind, region).values()
        if isinstance((properties := each["Properties"]).get("AlarmName"), str)
    }
    assert names
    assert {arn.rpartition(":")[2] for arn in shown} == names
    assert len(shown) == len(names)
    assert all(f":cloudwatch:{region}:" in arn for arn in shown)
    assert all(len(alarms(widget)) <= 100 for widget in widgets)


@pytest.mark.parametrize("region", REGIONS)
def test_a_regional_widget_reads_its_own_region(assembly: Assembly, region: str) -> None:
    """Without the region a widget would read that of whoever looks."""
    for widget in dashboards(assembly, region)[f"mangaassist-canary-{region}"]:
        if widget["type"] == "metric":
            assert widget["properties"]["region"] == region


def test_the_global_dashboard_shows_each_region_by_name(assembly: Assembly) -> None:
    """The same widgets for each region, and alarms of each."""
    widgets = dashboards(assembly, "us-east-1")["mangaassist-canary"]
    graphs = [each["properties"] for each in widgets if each["type"] == "metric"]
    by_region = {
        region: {each["title"].replace(region, "") for each in graphs if each["region"] == region}
        for region in REGIONS
    }
    assert by_region["us-east-1"] == by_region["ap-northeast-1"]
    assert {"Requests", "Rate of error", "Share of the canary"} <= by_region["us-east-1"]
    arns = [arn for widget in widgets for arn in alarms(widget)]
    assert {arn.split(":cloudwatch:")[1].split(":")[0] for arn in arns} == set(REGIONS)
    assert {arn.rpartition(":")[2] for arn in arns} == {"canary-critical", "canary-warning"}


def test_no_widget_leaves_the_grid(assembly: Assembly) -> None:
    """Rows are at most 24 wide, and no two widgets lie on each other."""
    for region in REGIONS:
        for widgets in dashboards(assembly, region).values():
            taken: set[tuple[int, int]] = set()
            for each in widgets:
                assert each["x"] + each["width"] <= GRID
                cells = {
                    (x, y)
                    for x in range(each["x"], each["x"] + each["width"])
                    for y in range(each["y"], each["y"] + each["height"])
                }
                assert not cells & taken
                taken |= cells
