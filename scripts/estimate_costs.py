"""Writes the estimate of a month's costs into docs/how-to/deploy.md, from the templates.

`costs.toml` has the prices with their date and what is assumed; the templates say how many there
are of each resource. A type of resource that has neither a line nor a place among those without a
charge is an error: an estimate that forgets something in silence is worse than none.
"""

from __future__ import annotations

import argparse
import ast
import json
import operator
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from canary.policy.compile import compile_policy, load_policy  # noqa: E402 - from the checkout

COSTS = ROOT / "scripts" / "costs.toml"
PAGE = ROOT / "docs" / "how-to" / "deploy.md"
TIMES, OVER = "\N{MULTIPLICATION SIGN}", "\N{DIVISION SIGN}"
BEGIN, END = "<!-- costs: begin -->\n", "<!-- costs: end -->\n"
_GROUPS = {
    "month": "The region, with no release",
    "release": "One release more",
    "assistant": "The assistant itself, released to or not",
}
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FAST_SECONDS = 60
Resource = Mapping[str, Any]


def main() -> int:
    """Write the section, or with `--check` say whether it is what would be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assembly", type=Path, default=ROOT / "cdk.out")
    parser.add_argument("--check", action="store_true", help="only compare; 1 when it differs")
    arguments = parser.parse_args()
    before = PAGE.read_text()
    after = with_section(before, estimate(arguments.assembly))
    if arguments.check:
        if before != after:
            print(f"{PAGE.relative_to(ROOT)}: the estimate is not of these templates: make costs")
        return int(before != after)
    PAGE.write_text(after)
    return 0


def estimate(assembly: Path) -> str:
    """The section in Markdown, for the policy's first region. Raises `ValueError`."""
    costs = tomllib.loads(COSTS.read_text())
    policy = load_policy(ROOT / "policy" / "mangaassist.toml")
    baseline = compile_policy(policy, policy.regions[0].name).baseline
    found = resources(assembly, policy.regions[0].name)
    if missing := sorted(types(found) - known(costs)):
        raise ValueError(f"{COSTS.name} has no line for {', '.join(missing)}")
    values: dict[str, float] = {**costs["quantities"], **counted(found)}
    values["conversations"] = baseline.daily_conversations * values["days"]
    values["turns"] = values["conversations"] * baseline.turns_per_conversation
    values["events_gb"] = (
        values["turns"] * values["kb_a_turn_logged"]
        + values["conversations"] * values["kb_an_outcome_logged"]
    ) / 1_000_000
    values["logged_gb"] = (
        values["events_gb"]
        + values["turns"] * values["kb_a_turn_of_task_logs"] / 1_000_000
        + values["metric_lines_gb"]
    )
    return "\n".join([*_heading(costs, policy.regions[0].name, values), *_tables(costs, values)])


def resources(assembly: Path, region: str) -> list[Resource]:
    """Every resource of a region's templates."""
    templates = sorted((assembly / f"assembly-{region}").glob("*.template.json"))
    if not templates:
        raise ValueError(f"{assembly}: no templates of {region}; run make synth")
    return [
        each for path in templates for each in json.loads(path.read_text())["Resources"].values()
    ]


def types(found: list[Resource]) -> set[str]:
    """The types of AWS's own resources; a custom resource costs what its function costs."""
    return {each["Type"] for each in found if not each["Type"].startswith("Custom::")}


def known(costs: Mapping[str, Any]) -> set[str]:
    """The types that a line or the list of those without a charge names."""
    lines = {name for line in costs["lines"] for name in line["types"]}
    return lines | set(costs["free"]["types"])


def counted(found: list[Resource]) -> dict[str, float]:
    """What the templates say: how many of each, and how large."""

    def of(kind: str) -> list[dict[str, Any]]:
        return [dict(each.get("Properties", {})) for each in found if each["Type"] == kind]

    alarms = [seconds for each in of("AWS::CloudWatch::Alarm") for seconds in _periods(each)]
    balancers = of("AWS::ElasticLoadBalancingV2::LoadBalancer")
    values: dict[str, float] = {
        "alarm_metrics": sum(seconds >= _FAST_SECONDS for seconds in alarms),
        "fast_alarm_metrics": sum(seconds < _FAST_SECONDS for seconds in alarms),
        "cache_nodes": sum(
            int(each.get("NumCacheClusters", 1))
            for each in of("AWS::ElastiCache::ReplicationGroup")
        ),
        "endpoint_zones": sum(
            len(each.get("SubnetIds", ())) for each in of("AWS::EC2::VPCEndpoint")
        ),
        "public_addresses": sum(
            len(each["Subnets"]) for each in balancers if each.get("Scheme") == "internet-facing"
        ),
        "web_rules": sum(len(each["Rules"]) for each in of("AWS::WAFv2::WebACL")),
    }
    for name, kind in {
        "composite_alarms": "AWS::CloudWatch::CompositeAlarm",
        "dashboards": "AWS::CloudWatch::Dashboard",
        "delivery_streams": "AWS::KinesisFirehose::DeliveryStream",
        "guardrails": "AWS::Bedrock::Guardrail",
        "keys": "AWS::KMS::Key",
        "load_balancers": "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "pipelines": "AWS::CodePipeline::Pipeline",
        "scaling_policies": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "secrets": "AWS::SecretsManager::Secret",
        "tables": "AWS::DynamoDB::Table",
        "web_acls": "AWS::WAFv2::WebACL",
    }.items():
        values[name] = len(of(kind))
    for service in ("api", "gateway"):
        task = next(
            each
            for each in of("AWS::ECS::TaskDefinition")
            if each["ContainerDefinitions"][0]["Name"] == service
        )
        values[f"{service}_vcpu"] = int(task["Cpu"]) / 1024
        values[f"{service}_gb"] = int(task["Memory"]) / 1024
        values[f"{service}_tasks"] = _least_tasks(found, service)
    return values


def _least_tasks(found: list[Resource], service: str) -> int:
    """How many tasks a service has at least: by its scaling where it has one, else as it is set.

    Raises `ValueError` when neither says.
    """
    for each in found:
        if each["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget":
            place = json.dumps(each["Properties"]["ResourceId"]).lower()
            if f"{service}service" in place or f"/{service}" in place:
                return int(each["Properties"]["MinCapacity"])
    for each in found:
        if each["Type"] == "AWS::ECS::Service":
            properties = each["Properties"]
            if properties.get("ServiceName") == service and "DesiredCount" in properties:
                return int(properties["DesiredCount"])
    raise ValueError(f"no template says how many tasks service {service} has")


def amount(arithmetic: str, values: Mapping[str, float]) -> float:
    """The value of a line's arithmetic: numbers, quantities, + - * / and brackets."""

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.BinOp):
            return float(_OPERATORS[type(node.op)](value(node.left), value(node.right)))
        if isinstance(node, ast.Name):
            return values[node.id]
        if isinstance(node, ast.Constant):
            return float(node.value)  # type: ignore[arg-type]
        raise ValueError(f"{arithmetic}: {ast.dump(node)} is not arithmetic")

    return value(ast.parse(arithmetic, mode="eval").body)


def with_section(page: str, section: str) -> str:
    """The page with the section between its two marks. Raises `ValueError` without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no place for the estimate: {BEGIN.strip()}")
    return f"{before}{BEGIN}\n{section}\n{END}{after}"


def _periods(alarm: Resource) -> Iterator[int]:
    """The period of each metric that an alarm reads: each is charged."""
    if "Metrics" not in alarm:
        yield int(alarm.get("Period", _FAST_SECONDS))
    for each in alarm.get("Metrics", ()):
        if "MetricStat" in each:
            yield int(each["MetricStat"]["Period"])


def _heading(costs: Mapping[str, Any], region: str, values: Mapping[str, float]) -> Iterator[str]:
    yield (
        f"In {region}, US dollars a month, list prices as assumed on {costs['as_of']} "
        "([the file](../../scripts/costs.toml) has every assumption; check before a budget rests "
        "on them). "
        f"{values['conversations'] / values['days']:,.0f} conversations a day, "
        f"{values['turns'] / 1e6:,.0f} million turns a month."
    )


def _tables(costs: Mapping[str, Any], values: Mapping[str, float]) -> Iterator[str]:
    for group, title in _GROUPS.items():
        lines = [
            (line, cost)
            for line in costs["lines"]
            if line["group"] == group and (cost := amount(line["arithmetic"], values))
        ]
        yield f"\n**{title}**\n"
        yield "| what | arithmetic | $ |"
        yield "|---|---|--:|"
        for line, cost in lines:
            yield f"| {line['what']} | {_shown(line['arithmetic'], values)} | {cost:,.2f} |"
        yield f"| **sum** | | **{sum(round(cost, 2) for _, cost in lines):,.2f}** |"


def _shown(arithmetic: str, values: Mapping[str, float]) -> str:
    """The arithmetic with the quantities' values, each named."""

    def number(match: re.Match[str]) -> str:
        name = match[0]
        if name not in values:
            return name
        size = values[name]
        digits = f"{size:,.0f}" if size == round(size) else f"{size:g}"
        return f"{digits} {name.replace('_', ' ')}"

    text = re.sub(r"[a-z][a-z_]*", number, arithmetic)
    return text.replace(" * ", f" {TIMES} ").replace(" / ", f" {OVER} ")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as error:
        sys.exit(f"estimate_costs.py: {error}")
