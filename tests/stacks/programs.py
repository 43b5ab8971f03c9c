"""The programs of a region: each function and container with its calls and its role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from canary.review.assembly import Assembly as Reviewed
from canary.review.assembly import Region, Stack
from canary.review.names import Names
from canary.review.statements import Holder, holders
from tests.stacks.assembly import REGION, ROOT, Assembly
from tests.stacks.calls import UNKNOWN, Calls, calls_of
from tests.stacks.iam_actions import KEY_ACTIONS, actions_of, resources_of

__all__ = ["Program", "granted", "needed", "programs"]

_LAMBDA_WORKS = {"logs:CreateLogStream", "logs:PutLogEvents"}
_IN_A_VPC = {
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
}
_TRACES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
_SAMPLING = {"xray:GetSamplingRules", "xray:GetSamplingTargets"}


@dataclass(frozen=True)
class Program:
    """One function, or one container of a task.

    `configured` is what AWS does in its role's name by its configuration; `may` is what it can use
    besides, where that is a matter of how it is set up.
    """

    label: str
    calls: Calls
    environment: dict[str, str]
    role: Holder
    configured: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()


def programs(assembly: Assembly, name: str) -> list[Program]:
    """Those that run `lambdas/{name}`, or service `services/{...}`."""
    deployed = _deployed(assembly.path)
    if name.startswith("services/"):
        return list(_containers(deployed, name.removeprefix("services/")))
    return list(_functions(assembly, deployed, name))


def needed(program: Program) -> dict[str, set[str]]:
    """Each action of the code, with the resources as a policy would name them."""
    found: dict[str, set[str]] = {}
    place = {"region": {"{region}"}, "account": {"{account}"}}
    for (service, method), arguments in program.calls.items():
        for action in actions_of(service, method, arguments):
            resources = {
                re.sub(
                    r"\$\{(\w+)\}",
                    lambda match: program.environment.get(match[1], UNKNOWN),
                    resource,
                )
                for resource in resources_of(action, place | arguments)
            }
            found.setdefault(action, set()).update(resources or {UNKNOWN})
    return found


def granted(program: Program) -> dict[str, set[str]]:
    """Each action that the role allows, with its resources."""
    found: dict[str, set[str]] = {}
    for statement in program.role.statements:
        for action in statement.actions if statement.allows else ():
            found.setdefault(action, set()).update(statement.resources)
    return found


@dataclass(frozen=True)
class _Deployed:
    region: Region
    names: Names
    roles: dict[tuple[str, str], Holder]
    """By stack and logical id."""

    def role(self, stack: Stack, value: Any) -> Holder:
        target = self.names.target(stack, value)
        assert target, f"{stack.name}: a role that is not in the templates"
        return self.roles[target[0].name, target[1]]


@cache
def _deployed(path: Path) -> _Deployed:
    (region,) = (each for each in Reviewed.read(path).regions if each.name == REGION)
    names = Names(region)
    roles = {(each.stack.name, each.logical_id): each for each in holders(region, names)}
    return _Deployed(region, names, roles)


def _functions(assembly: Assembly, deployed: _Deployed, folder: str) -> Iterator[Program]:
    region, names = deployed.region, deployed.names
    source = (ROOT / "lambdas" / folder / "handler.py").read_bytes()
    for stack, logical_id, function in region.of_type("AWS::Lambda::Function"):
        properties = function["Properties"]
        if "S3Key" not in properties.get("Code", {}):
            continue
        asset = assembly.asset(properties)
        handler = asset / "handler.py"
        if handler.is_file() and handler.read_bytes() == source:
            configured, may = _by_configuration(region, names, logical_id, properties)
            yield Program(
                names.label(stack, logical_id),
                calls_of(asset, "handler"),
                {
                    key: names.text(stack, value)
                    for key, value in properties.get("Environment", {}).get("Variables", {}).items()
                },
                deployed.role(stack, properties["Role"]),
                frozenset(configured),
                frozenset(may),
            )


def _containers(deployed: _Deployed, service: str) -> Iterator[Program]:
    region, names = deployed.region, deployed.names
    calls = calls_of(ROOT, f"services.{service}.app")
    for stack, logical_id, definition in region.of_type("AWS::ECS::TaskDefinition"):
        containers = definition["Properties"]["ContainerDefinitions"]
        traced = any(re.search(r"xray|otel", str(each["Name"])) for each in containers)
        for container in containers:
            if container["Name"] == service:
                environment = container.get("Environment", ())
                yield Program(
                    names.label(stack, logical_id),
                    calls,
                    {each["Name"]: names.text(stack, each["Value"]) for each in environment},
                    deployed.role(stack, definition["Properties"]["TaskRoleArn"]),
                    frozenset(_TRACES if traced else ()),
                    frozenset(_SAMPLING if traced else ()),
                )


def _by_configuration(
    region: Region, names: Names, logical_id: str, function: dict[str, Any]
) -> tuple[set[str], set[str]]:
    """What Lambda does in the role's name: always, and where something is set up for it."""
    always, may = set(_LAMBDA_WORKS), set()
    if "DeadLetterConfig" in function:
        always.add("sqs:SendMessage")
    if "VpcConfig" in function:
        always |= _IN_A_VPC
    if function.get("TracingConfig", {}).get("Mode") == "Active":
        always |= _TRACES
    for stack, _, each in region.of_type("AWS::Lambda::EventInvokeConfig"):
        target = names.target(stack, each["Properties"]["FunctionName"])
        if target and target[1] == logical_id:
            may |= {"sqs:SendMessage", "sns:Publish", *KEY_ACTIONS}
    return always, may
