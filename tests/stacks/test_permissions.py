"""Permissions against the code: what a program calls is what its role allows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from canary.review.assembly import Assembly as Reviewed
from canary.review.assembly import Region, Stack
from canary.review.names import Names
from canary.review.statements import Holder, Statement, holders
from tests.stacks.assembly import REGION, ROOT, Assembly
from tests.stacks.calls import UNKNOWN, Calls, calls_of
from tests.stacks.iam_actions import IMPLIED, actions_of, resources_of

PROGRAMS = sorted(
    [
        *(path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py")),
        *(f"services/{path.parent.name}" for path in (ROOT / "services").glob("*/app.py")),
    ]
)


@dataclass(frozen=True)
class Program:
    """One function, or one task set's container."""

    label: str
    calls: Calls
    environment: dict[str, str]
    configured: frozenset[str]
    role: Holder


@cache
def region_of(path: Path) -> tuple[Region, Names]:
    (found,) = (each for each in Reviewed.read(path).regions if each.name == REGION)
    return found, Names(found)


def programs(assembly: Assembly, name: str) -> list[Program]:
    region, names = region_of(assembly.path)
    roles = {(each.stack.name, each.logical_id): each for each in holders(region, names)}

    def role_of(stack: Stack, value: Any) -> Holder:
        owner, logical_id = names.target(stack, value)
        return roles[owner.name, logical_id]

    if name.startswith("services/"):
        service = name.removeprefix("services/")
        calls = calls_of(ROOT, f"services.{service}.app")
        return [
            Program(
                names.label(stack, key),
                calls,
                {
                    each["Name"]: names.text(stack, each["Value"])
                    for each in container["Environment"]
                },
                frozenset(),
                role_of(stack, definition["Properties"]["TaskRoleArn"]),
            )
            for stack, key, definition in region.of_type("AWS::ECS::TaskDefinition")
            for container in definition["Properties"]["ContainerDefinitions"]
            if container["Name"] == service
        ]
    return [
        Program(
            name,
            calls_of(assembly.asset(properties), "handler"),
            {
                key: names.text(stack, value)
                for key, value in properties.get("Environment", {}).get("Variables", {}).items()
            },
            frozenset(configured(properties)),
            role_of(stack, properties["Role"]),
        )
        for stack, _, function in region.of_type("AWS::Lambda::Function")
        if (properties := function["Properties"]).get("FunctionName")
        == f"canary-{name.replace('_', '-')}"
    ]


def configured(function: dict[str, Any]) -> Iterator[str]:
    """What Lambda itself does in the name of a function's role, by the function's properties."""
    yield from ("logs:CreateLogStream", "logs:PutLogEvents")
    if "DeadLetterConfig" in function:
        yield "sqs:SendMessage"
    if "VpcConfig" in function:
        yield from (
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
        )
    if function.get("TracingConfig", {}).get("Mode") == "Active":
        yield from ("xray:PutTelemetryRecords", "xray:PutTraceSegments")


def needed(program: Program) -> dict[str, set[str]]:
    """Each action of the code, with the resources as a policy would name them."""
    found: dict[str, set[str]] = {}
    place = {"region": {REGION}, "account": {"{account}"}}
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
    allowed: dict[str, set[str]] = {}
    for statement in filter(allows, program.role.statements):
        for action in statement.actions:
            allowed.setdefault(action, set()).update(statement.resources)
    return allowed


def allows(statement: Statement) -> bool:
    return statement.allows


def fits(wanted: str, given: str) -> bool:
    """Whether a policy's resource is the one that the code names; `{?}` fits what is not `*`."""
    pattern = re.escape(wanted).replace(re.escape(UNKNOWN), ".+")
    return given == "*" if wanted == "*" else re.fullmatch(pattern, given) is not None


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_may_do_what_its_code_calls_and_nothing_else(
    assembly: Assembly, name: str
) -> None:
    """The actions of a role are those of the code's calls, of Lambda's work, and implied ones."""
    found = programs(assembly, name)
    assert found, f"{name} is not deployed"
    for program in found:
        calls = set(needed(program))
        implied = {each for action in calls for each in IMPLIED.get(action, ())}
        expected = calls | implied | program.configured
        actual = set(granted(program))
        assert sorted(actual - expected) == [], f"{program.label} is allowed what it never calls"
        assert sorted(expected - actual) == [], f"{program.label} calls what it is not allowed"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_may_act_on_what_its_code_names_and_nothing_else(
    assembly: Assembly, name: str
) -> None:
    """Tables, parameters, topics, rules and functions of a role are those that the code names."""
    for program in programs(assembly, name):
        allowed = granted(program)
        shared = {each for action in needed(program) for each in IMPLIED.get(action, ())}
        for action, wanted in needed(program).items():
            given = allowed.get(action, set())
            if given == {"*"}:
                continue  # whether it has to be is another test's question
            missing = [each for each in wanted if not any(fits(each, other) for other in given)]
            assert missing == [], f"{program.label}: {action} is not allowed on these"
            if action not in shared:
                more = [each for each in given if not any(fits(other, each) for other in wanted)]
                assert more == [], f"{program.label}: {action} is allowed on these for nothing"
