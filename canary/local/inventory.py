"""What each resource type of an assembly is in the embedded region."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from canary.local.cloudformation import classify, load_resources

__all__ = ["Entry", "inventory", "templates", "unhandled"]


@dataclass(frozen=True)
class Entry:
    """One type: how many of it the templates have, what it is here, and how it differs."""

    type: str
    count: int
    kind: Literal["live", "stand-in", "not run", "unhandled"]
    note: str


def inventory(assembly: Path) -> list[Entry]:
    """Every resource type of the assembly's templates, sorted by kind and name."""
    load_resources()
    counts: Counter[str] = Counter()
    for path in templates(assembly):
        resources = json.loads(path.read_text()).get("Resources", {})
        counts.update(resource["Type"] for resource in resources.values())
    entries = []
    for cfn_type, count in counts.items():
        found = classify(cfn_type)
        if found is None:
            entries.append(Entry(cfn_type, count, "unhandled", "an error: nobody handles it"))
        else:
            entries.append(Entry(cfn_type, count, found.kind, found.note))
    order = ("live", "stand-in", "not run", "unhandled")
    return sorted(entries, key=lambda entry: (order.index(entry.kind), entry.type))


def unhandled(template: Path) -> list[str]:
    """The resources of one template that nobody handles, as `LogicalId (Type)`."""
    load_resources()
    resources = json.loads(template.read_text()).get("Resources", {})
    return [
        f"{logical_id} ({resource['Type']})"
        for logical_id, resource in resources.items()
        if classify(resource["Type"]) is None
    ]


def templates(assembly: Path) -> list[Path]:
    """The templates of an assembly and of those nested in it."""
    return sorted(assembly.rglob("*.template.json"))
