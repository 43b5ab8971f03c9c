"""The golden set, MangaDomainAccuracy: prompts whose right answers are known, region by region.

The data is `golden.toml` beside this file. A store adds what its own models must know.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from canary.quality.text import surface

__all__ = ["GoldenPrompt", "load_golden", "right"]

SHIPPED = Path(__file__).with_name("golden.toml")


@dataclass(frozen=True)
class GoldenPrompt:
    """A prompt, what an answer must have (one of each group), and a good answer."""

    intent: str
    prompt: str
    wants: tuple[tuple[str, ...], ...]
    reference: str


def load_golden(region: str, path: Path = SHIPPED) -> tuple[GoldenPrompt, ...]:
    """The prompts of a region.

    Raises `ValueError` for a region without any, and for a reference that is not right itself.
    """
    regions = tomllib.loads(path.read_text("utf-8"))
    if region not in regions:
        raise ValueError(f"{path.name}: no prompts for {region}, only {', '.join(regions)}")
    prompts = tuple(_prompts(regions[region]))
    for each in prompts:
        if not right(each, each.reference):
            raise ValueError(f"{path.name}: {each.prompt!r}: its own reference is not right")
    return prompts


def right(prompt: GoldenPrompt, answer: str | None) -> bool:
    """Whether an answer has what it must have; no answer is wrong."""
    said = _plain(answer or "")
    return all(any(_plain(word) in said for word in group) for group in prompt.wants)


def _prompts(intents: dict[str, list[dict[str, object]]]) -> Iterator[GoldenPrompt]:
    for intent, entries in intents.items():
        for entry in entries:
            wants = entry["wants"]
            if not isinstance(wants, list) or not wants:
                raise ValueError(f"golden: {entry['prompt']!r} wants nothing")
            yield GoldenPrompt(
                intent=intent,
                prompt=str(entry["prompt"]),
                wants=tuple(tuple(group) for group in wants),
                reference=str(entry["reference"]),
            )


def _plain(text: str) -> str:
    return "".join(surface(text).casefold().split())
