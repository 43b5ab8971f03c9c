"""Turns whose faults are known: what the detector is measured on.

The data is `turns.jsonl` beside this file, one JSON object a line. All are written for this set.

| key | meaning |
|---|---|
| `region` | whose facts and language hold: `us-east-1`, `ap-northeast-1` |
| `part` | `tuned`: rules were made while looking at it; `held_out`: they were not |
| `question`, `answer` | the turn |
| `faults` | the checks it must fail, all others it must pass; empty for a good answer |

An invented title is a `title` and a `name` fault; a misspelt one is a `name` fault alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from canary.quality.detector import CHECKS
from canary.quality.facts import load_facts
from canary.quality.turn import Expected, Turn

__all__ = ["LABELLED", "LabelledTurn", "Part", "load_labelled", "parse_labelled"]

LABELLED = Path(__file__).with_name("turns.jsonl")
EXPECTED: Mapping[str, Expected] = {
    region: load_facts(region).expected for region in ("us-east-1", "ap-northeast-1")
}
Part = Literal["tuned", "held_out"]


@dataclass(frozen=True)
class LabelledTurn:
    """A turn in its region and the checks that it fails."""

    region: str
    part: Part
    turn: Turn
    faults: frozenset[str]


def load_labelled(path: Path = LABELLED) -> list[LabelledTurn]:
    """The turns of a file. Raises `ValueError`, naming the line, for one that is no such turn."""
    turns = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            turns.append(parse_labelled(json.loads(line)))
        except (ValueError, KeyError, TypeError) as problem:
            raise ValueError(f"{path.name}:{number}: {problem}") from problem
    return turns


def parse_labelled(record: dict[str, Any]) -> LabelledTurn:
    """One line's record. Raises `ValueError` for an unknown region, part or check."""
    faults = frozenset(record["faults"])
    if extra := sorted(faults - set(CHECKS)):
        raise ValueError(f"faults: {', '.join(extra)} are no checks")
    if record["region"] not in EXPECTED:
        raise ValueError(f"region: {record['region']!r} is none of {', '.join(EXPECTED)}")
    if record["part"] not in {"tuned", "held_out"}:
        raise ValueError(f"part: {record['part']!r} is neither tuned nor held_out")
    turn = Turn(record["question"], record["answer"], EXPECTED[record["region"]])
    return LabelledTurn(record["region"], record["part"], turn, faults)
