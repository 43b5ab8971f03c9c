"""The golden set, MangaDomainAccuracy: prompts whose right answers are known, region by region.

The data lies beside this file: `{region}.jsonl`, a prompt a line, and `{region}.txt`, what a model
is told of the store before each of them. A store puts its own in their place.

| key | meaning |
|---|---|
| `category` | the intent |
| `prompt` | what the customer writes |
| `referenceResponse` | a good answer: what an evaluation job compares with |
| `wants` | groups of words: a right answer has one of each group |
| `never` | words that no right answer has |

The first three are the keys of Bedrock's datasets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canary.quality.text import surface

__all__ = ["DEFAULT", "GoldenPrompt", "load_golden", "right", "store_of"]

SHIPPED = Path(__file__).parent
DEFAULT = "us-east-1"
"""Whose set, and whose store, a region is asked about that has none of its own."""
_KEYS = frozenset({"category", "prompt", "referenceResponse", "wants", "never"})


@dataclass(frozen=True)
class GoldenPrompt:
    """A prompt, what an answer must have (one of each group) and must not, and a good answer."""

    intent: str
    prompt: str
    wants: tuple[tuple[str, ...], ...]
    reference: str
    never: tuple[str, ...] = ()
    briefing: str = ""
    """What the model is told of the store first: a job has no system prompt."""

    @property
    def asked(self) -> str:
        """All that the model is sent."""
        return f"{self.briefing}\n\n{self.prompt}" if self.briefing else self.prompt


def store_of(region: str, folder: Path = SHIPPED) -> str:
    """The region whose set and store facts `region` is judged with: its own where it has one."""
    return region if (folder / f"{region}.jsonl").is_file() else DEFAULT


def load_golden(region: str, folder: Path = SHIPPED) -> tuple[GoldenPrompt, ...]:
    """The prompts of a region.

    Raises `ValueError` for a region without any, for a line that is no prompt, for a prompt that is
    there twice, and for a reference that is not right itself.
    """
    path = folder / f"{region}.jsonl"
    if not path.is_file():
        raise ValueError(f"{path.name}: there are no prompts for {region}; add that file")
    briefing = folder / f"{region}.txt"
    told = briefing.read_text("utf-8").strip() if briefing.is_file() else ""
    prompts = tuple(_prompts(path, told))
    if not prompts:
        raise ValueError(f"{path.name}: has no prompt")
    seen: set[str] = set()
    for each in prompts:
        if not right(each, each.reference):
            raise ValueError(f"{path.name}: {each.prompt!r}: its own reference is not right")
        if each.prompt in seen:
            raise ValueError(f"{path.name}: {each.prompt!r} is there twice")
        seen.add(each.prompt)
    return prompts


def right(prompt: GoldenPrompt, answer: str | None) -> bool:
    """Whether an answer has what it must have and nothing it must not; no answer is wrong."""
    said = _plain(answer or "")
    has_all = all(any(_plain(word) in said for word in group) for group in prompt.wants)
    return has_all and bool(said) and not any(_plain(word) in said for word in prompt.never)


def _prompts(path: Path, briefing: str) -> Iterator[GoldenPrompt]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if line.strip():
            try:
                yield _prompt(json.loads(line), briefing)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path.name}, line {number}: no prompt: {error}") from error


def _prompt(entry: dict[str, Any], briefing: str) -> GoldenPrompt:
    if extra := sorted(set(entry) - _KEYS):
        raise ValueError(f"unknown keys {', '.join(extra)}")
    wants = tuple(tuple(str(word) for word in group) for group in entry["wants"])
    if not wants or not all(wants):
        raise ValueError(f"{entry['prompt']!r} wants nothing")
    return GoldenPrompt(
        intent=str(entry["category"]),
        prompt=str(entry["prompt"]),
        wants=wants,
        reference=str(entry["referenceResponse"]),
        never=tuple(str(word) for word in entry.get("never", ())),
        briefing=briefing,
    )


def _plain(text: str) -> str:
    return "".join(surface(text).casefold().split())
