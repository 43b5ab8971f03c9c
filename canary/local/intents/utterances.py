"""The utterances that are shipped: what the classifier learns from, and what it is measured on.

The data is `utterances.toml` beside this file: language, intent, part, texts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from canary.local.intents.classifier import Classifier

__all__ = ["Utterance", "load_utterances", "shipped_classifier"]

SHIPPED = Path(__file__).with_name("utterances.toml")
Part = Literal["train", "held_out"]


@dataclass(frozen=True)
class Utterance:
    """What somebody says who means `intent`, in `english` or `japanese`."""

    language: str
    intent: str
    part: Part
    text: str


def load_utterances(path: Path = SHIPPED) -> tuple[Utterance, ...]:
    """Every utterance of a file. Raises `ValueError` for an unknown part or a text given twice."""
    found = tuple(_utterances(path))
    texts = [each.text for each in found]
    if twice := sorted({text for text in texts if texts.count(text) > 1}):
        raise ValueError(f"{path.name}: {twice[0]!r} is there twice")
    return found


@cache
def shipped_classifier() -> Classifier:
    """A classifier trained on the shipped utterances that are for training."""
    return Classifier(
        (each.intent, each.text) for each in load_utterances() if each.part == "train"
    )


def _utterances(path: Path) -> Iterator[Utterance]:
    for language, intents in tomllib.loads(path.read_text("utf-8")).items():
        for intent, parts in intents.items():
            for part, texts in parts.items():
                if part not in ("train", "held_out"):
                    raise ValueError(f"{path.name}: {language}.{intent}.{part}: no such part")
                yield from (Utterance(language, intent, part, text) for text in texts)
