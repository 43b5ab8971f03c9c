"""Permissions against the code: what a program calls is what its role allows it."""

from __future__ import annotations

import re

import pytest

from tests.stacks.assembly import ROOT, Assembly
from tests.stacks.calls import UNKNOWN
from tests.stacks.iam_actions import IMPLIED, KEY_ACTIONS
from tests.stacks.programs import Program, granted, needed, programs

PROGRAMS = sorted(
    [
        *(path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py")),
        *(f"services/{path.parent.name}" for path in (ROOT / "services").glob("*/app.py")),
    ]
)
NAMES_ALONE = (
    r"arn:aws:dynamodb:[^:]+:[^:]+:table/",
    r"arn:aws:sns:[^:]+:[^:]+:",
    r"arn:aws:lambda:[^:]+:[^:]+:function:",
    r"arn:aws:s3:::",
)
"""What stands before a name where a policy has a whole ARN and the code a name, or the reverse."""


def plain(resource: str) -> str:
    return re.sub("|".join(NAMES_ALONE), "", resource, count=1)


def fits(wanted: str, given: str) -> bool:
    """Whether a policy's resource is the one that the code names, or a family that it is of.

    `{?}`, of which only data knows, fits anything; which families there may be is another test's
    question, and `*` is none.
    """
    wanted, given = plain(wanted), plain(given)
    named = re.escape(wanted).replace(re.escape(UNKNOWN), ".+")
    family = re.escape(given).replace(re.escape("*"), ".*")
    return re.fullmatch(named, given) is not None or (
        given != "*" and re.fullmatch(family, wanted) is not None
    )


OF_ONE_TABLE = {("admit", "dynamodb:ConditionCheckItem"), ("rollback", "dynamodb:DeleteItem")}
"""In a transaction these stand on one of its tables; the code's reader cannot tell on which."""
OF_A_FOLDER = {("offline_gate", "s3:GetObject")}
"""Objects whose keys a listing names: which folder was listed the code's reader cannot tell."""


def bucket_of(resource: str) -> str:
    """An object's bucket, which is two words of its resource: a stack and a construct."""
    return "/".join(resource.split("/")[:2])


def implied(program: Program) -> set[str]:
    return {each for action in needed(program) for each in IMPLIED.get(action, ())}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_may_do_what_its_code_calls_and_nothing_else(
    assembly: Assembly, name: str
) -> None:
    """The actions of a role are those of the code's calls, of AWS's work in its name, no other.

    Using a key goes with using what it encrypts, and which service wants which use is its own.
    """
    found = programs(assembly, name)
    assert found, f"{name} is not deployed"
    for program in found:
        expected = set(needed(program)) | implied(program) | program.configured
        actual = set(granted(program))
        more = actual - expected - program.may - KEY_ACTIONS
        assert sorted(more) == [], f"{program.label} is allowed what it never calls"
        assert sorted(expected - actual) == [], f"{program.label} calls what it is not allowed"
        if not program.calls:
            assert not actual & KEY_ACTIONS, f"{program.label} has a key and nothing to open"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_may_act_on_what_its_code_names_and_nothing_else(
    assembly: Assembly, name: str
) -> None:
    """Tables, parameters, topics, rules and functions of a role are those that the code names."""
    for program in programs(assembly, name):
        allowed = granted(program)
        for action, wanted in needed(program).items():
            given = allowed.get(action, set())
            if given == {"*"}:
                continue  # whether it has to be is another test's question
            missing = [each for each in wanted if not any(fits(each, other) for other in given)]
            if (name, action) in OF_ONE_TABLE and len(missing) < len(wanted):
                continue
            if (name, action) in OF_A_FOLDER:
                missing = [each for each in missing if bucket_of(each) not in map(bucket_of, given)]
            assert missing == [], f"{program.label}: {action} is not allowed on these"
            if action not in implied(program):
                more = [each for each in given if not any(fits(other, each) for other in wanted)]
                assert more == [], f"{program.label}: {action} is allowed on these for nothing"
