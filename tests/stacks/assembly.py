"""The templates that the app synthesizes, and ways to ask them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canary.local import synthesis

ROOT = Path(__file__).resolve().parents[2]
REGION = "us-east-1"
FUNCTION_STACKS = ("State", "Gateway", "Api", "Progression")
"""Where functions of ours are."""
RAMP = "# The ramp ---"
"""Where the policy's regions end."""
Machine = dict[str, Any]
"""A state machine's definition."""
Alarms = dict[str, dict[str, Any]]
"""Alarms' properties by name."""


def text(value: Any) -> str:
    """A template's value as one string; a reference is `${what it refers to}`."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return json.dumps(value)
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        return str(argument[0]).join(text(each) for each in argument[1])
    if function == "Fn::GetAtt":
        return f"${{{'.'.join(argument)}}}"
    return f"${{{argument if isinstance(argument, str) else json.dumps(argument)}}}"


def texts(value: Any) -> list[str]:
    """What may be one value or a list of them, as strings."""
    return [text(each) for each in (value if isinstance(value, list) else [value])]


@dataclass(frozen=True)
class Assembly:
    """What a synthesis wrote."""

    path: Path

    def stacks(self, region: str = REGION) -> list[str]:
        """The names of a region's stacks, as `template` takes them."""
        manifest = json.loads((self.path / f"assembly-{region}" / "manifest.json").read_text())
        return sorted(
            each["displayName"].partition("/")[2].partition(" ")[0]
            for each in manifest["artifacts"].values()
            if each["type"] == "aws:cloudformation:stack"
        )

    def template(self, stack: str, region: str = REGION) -> dict[str, Any]:
        """The template of one stack."""
        folder = self.path / f"assembly-{region}"
        (file,) = folder.glob(f"{region.replace('-', '')}{stack}*.template.json")
        return json.loads(file.read_text())

    def resources(self, stack: str, kind: str, region: str = REGION) -> dict[str, dict[str, Any]]:
        """The resources of one type, by logical id."""
        found = self.template(stack, region)["Resources"]
        return {name: each for name, each in found.items() if each["Type"] == kind}

    def named(
        self, stack: str, kind: str, key: str, region: str = REGION
    ) -> dict[str, dict[str, Any]]:
        """The properties of the resources of one type, by the value of property `key`."""
        found = self.resources(stack, kind, region).values()
        return {text(each["Properties"][key]): each["Properties"] for each in found}

    def one(self, stack: str, kind: str) -> dict[str, Any]:
        """The properties of the only resource of its type."""
        (resource,) = self.resources(stack, kind).values()
        return resource["Properties"]

    def functions(self) -> dict[str, dict[str, Any]]:
        """The properties of the product's own functions, by name."""
        return {
            name: properties
            for stack in FUNCTION_STACKS
            for each in self.resources(stack, "AWS::Lambda::Function").values()
            if (name := (properties := each["Properties"]).get("FunctionName"))
        }

    def stack_of(self, function: str) -> str:
        """The stack of one of the product's own functions."""
        return next(
            stack
            for stack in FUNCTION_STACKS
            for each in self.resources(stack, "AWS::Lambda::Function").values()
            if each["Properties"].get("FunctionName") == function
        )

    def asset(self, function: dict[str, Any]) -> Path:
        """The directory of a function's code."""
        return self.path / f"asset.{function['Code']['S3Key'].removesuffix('.zip')}"

    def statements(self, stack: str, role: dict[str, Any]) -> list[dict[str, Any]]:
        """Every statement of the policies attached to the role that a property refers to."""
        (name, _) = role["Fn::GetAtt"]
        return [
            statement
            for each in self.resources(stack, "AWS::IAM::Policy").values()
            if {"Ref": name} in each["Properties"]["Roles"]
            for statement in each["Properties"]["PolicyDocument"]["Statement"]
        ]


def first_region_only(policy: str) -> str:
    """The policy without its second region, which is synthesized in half the time.

    The other's holidays are kept, as the first's.
    """
    mark = "[[regions]]\n"
    head, first, rest = policy.split(mark)
    second, ramp = rest.split(RAMP)
    (own,), (other,) = (
        re.findall(r'^name = ("[^"]+")', each, re.MULTILINE) for each in (first, second)
    )
    return head + mark + first + RAMP + ramp.replace(f"[{other}]", f"[{own}]")


def shared_assembly() -> Assembly:
    """The default policy's templates, synthesized once for all workers and kept by content."""
    return Assembly(synthesis.synthesize(ROOT, ROOT / "policy" / "mangaassist.toml"))


def synthesize(target: Path, **environment: str) -> Assembly:
    """Run the app without its checks, which have their own command."""
    result = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, "CDK_OUTDIR": str(target), "CANARY_NAG": "0", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return Assembly(target)
