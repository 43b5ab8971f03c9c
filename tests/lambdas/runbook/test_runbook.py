"""Every command of the runbook is run, in the state that its section is about."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

# Each registers its deeds.
from tests.lambdas.runbook import (  # noqa: F401
    after_a_rollback,
    before_traffic,
    on_a_drill,
    on_a_question,
    on_a_release,
    on_an_image,
    on_looks,
)
from tests.lambdas.runbook.aws_cli import UsageError, call
from tests.lambdas.runbook.deeds import DEEDS
from tests.lambdas.runbook.duty import Duty
from tests.lambdas.runbook.extraction import Command, commands

SNAPSHOTS = Path(__file__).parents[2] / "stacks" / "snapshots"
NAMES = ("--function-name", "--application-name", "--deployment-group-name", "--name")
"""Options of `aws` that name something a template makes."""


@pytest.mark.parametrize("command", commands(), ids=lambda each: f"{each.place}: {each.name}")
def test_a_command_of_the_runbook_does_what_its_section_says(duty: Duty, command: Command) -> None:
    """Its deed sets up the state, runs it as written, and looks at what it has done."""
    deed = DEEDS.get((command.place, command.name))
    assert deed, f"nothing runs this command of section {command.place!r}: {command.name}"
    deed(duty, command)


def test_no_deed_is_for_a_command_that_the_runbook_no_longer_has() -> None:
    """What was taken out of the runbook is taken out here."""
    assert set(DEEDS) == {(each.place, each.name) for each in commands()}


def test_what_aws_commands_name_is_what_the_templates_make() -> None:
    """Functions, applications and pipelines by the names that are deployed."""
    deployed = "\n".join(each.read_text("utf-8") for each in SNAPSHOTS.glob("*.yaml"))
    checked = 0
    for command in commands():
        words = command.words
        for option, value in itertools.pairwise(words):
            if words[0] == "aws" and option in NAMES:
                name = value.partition(":")[0]
                assert f"Name: {name}\n" in deployed, f"{command.name}: {name}"
                checked += 1
    assert checked >= len(NAMES)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("```sh\ncanary hold --reason 'x\n```", "hold"),
        ("```sh\nrm -r build\n```", "rm"),
        ("```sh\ncanary status $WHO\n```", "WHO"),
    ],
)
def test_a_block_that_a_shell_does_not_read_is_an_error(text: str, why: str) -> None:
    """An open quote, another program, a variable that nobody puts in."""
    with pytest.raises(ValueError, match=why):
        commands(f"## A section\n\n{text}\n")


def test_a_command_is_found_wherever_it_stands() -> None:
    """In a block over several lines, behind a comment, and in a sentence."""
    text = """## One

```sh
canary status  # now
aws lambda invoke --function-name f \\
  --payload '{"a": "b c"}' /dev/null
```

### Two

Or `make test`, or `canary rca show my-release`; `canary` alone is no command.
"""
    found = [(each.place, each.words) for each in commands(text)]
    payload = '{"a": "b c"}'
    invoke = ("aws", "lambda", "invoke", "--function-name", "f", "--payload", payload, "/dev/null")
    assert found == [
        ("One", ("canary", "status")),
        ("One", invoke),
        ("Two", ("make", "test")),
        ("Two", ("canary", "rca", "show", "my-release")),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "aws lambada invoke",
        "aws deploy stop-deployments --deployment-id d",
        "aws deploy stop-deployment --deployment d",
        "aws deploy stop-deployment",
        "aws lambda invoke --function-name f",
    ],
)
def test_what_the_aws_cli_would_refuse_is_refused(duty: Duty, line: str) -> None:
    """Services, operations, options and required parameters are those of botocore's models."""
    with pytest.raises(UsageError):
        call(tuple(line.split()), "us-east-1")
