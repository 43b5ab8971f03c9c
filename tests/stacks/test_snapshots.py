"""Each stack of us-east-1 as it was last looked at, with what changes by itself blanked.

`UPDATE_SNAPSHOTS=1 pytest tests/stacks/test_snapshots.py` writes them anew; read the difference.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stacks.assembly import Assembly, text

SNAPSHOTS = Path(__file__).parent / "snapshots"
STACKS = (
    "Network",
    "State",
    "Traffic",
    "Gateway",
    "Api",
    "Progression",
    "Guardrails",
    "Dashboards",
)
HASHES = (
    (re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}"), r"\1<hash>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<hash>"),
    (re.compile(r"(Digest: )[0-9a-f]{32}\b"), r"\1<hash>"),
)


def readable(assembly: Assembly, stack: str) -> str:
    template = assembly.template(stack)
    for resource in template["Resources"].values():
        resource.pop("Metadata", None)
        if (
            definition := resource["Properties"].get("DefinitionString")
            if "Properties" in resource
            else None
        ):
            resource["Properties"]["DefinitionString"] = json.loads(text(definition))
    content = yaml.safe_dump(joined(template), sort_keys=True, width=100)
    for pattern, blank in HASHES:
        content = pattern.sub(blank, content)
    return content


def joined(value: Any) -> Any:
    """The template with each Fn::Join as the one string that it makes."""
    if isinstance(value, dict):
        if value.keys() == {"Fn::Join"}:
            return text(value)
        return {key: joined(each) for key, each in value.items()}
    if isinstance(value, list):
        return [joined(each) for each in value]
    return value


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_is_what_was_reviewed(assembly: Assembly, stack: str) -> None:
    """A change of a template shows in the review of the change that made it."""
    path = SNAPSHOTS / f"{stack.lower()}.yaml"
    found = readable(assembly, stack)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(found)
    assert path.read_text() == found, "read the difference, then run with UPDATE_SNAPSHOTS=1"
