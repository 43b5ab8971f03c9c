"""`canary quality`: how good the quality detector and the intent classifier are, measured now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from canary.cli.policy import DEFAULT_POLICY
from canary.local.intents.utterances import load_utterances, shipped_classifier
from canary.policy.compile import compile_policy, load_policy
from canary.quality.catalogue.catalogue import load_catalogue
from canary.quality.detector import Detector
from canary.quality.evaluation.labelled import EXPECTED, load_labelled
from canary.quality.evaluation.measure import measure
from canary.quality.facts import load_facts
from canary.statistics.intervals import Interval, one_sided_z, wilson

__all__ = ["quality"]

PARTS = ("held_out", "tuned")
_PIPED_WIDTH = 120


@click.command()
@click.option(
    "--policy",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(DEFAULT_POLICY),
    show_default=True,
    help="Whose assumptions stand beside the figures.",
)
@click.option("--confidence", type=click.FloatRange(0.5, 0.999), default=0.95, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def quality(*, file: Path, confidence: float, as_json: bool) -> None:
    """Measure the detector on labelled turns and the intent classifier on utterances.

    Rules were made for the tuned turns, so only the held-out ones say what to expect. They were
    written to provoke; a store's own sampled turns say more.
    """
    policy = load_policy(file)
    compiled = compile_policy(policy, policy.regions[0].name)
    detectors = {r: Detector(load_catalogue(), load_facts(r)) for r in EXPECTED}
    turns = load_labelled()
    document = {
        "confidence": confidence,
        "assumed": {
            "sensitivity": compiled.detector.sensitivity,
            "specificity": compiled.detector.specificity,
        },
        "detector": [
            {
                "part": part,
                "class": name,
                "faulty": found.confusion.true_positive + found.confusion.false_negative,
                "good": found.confusion.true_negative + found.confusion.false_positive,
                "precision": _figures(found.precision),
                "recall": _figures(found.recall),
                "specificity": _figures(found.specificity),
            }
            for part in PARTS
            for name, found in measure(
                [turn for turn in turns if turn.part == part], detectors, confidence
            ).items()
        ],
        "classifier": [_accuracy(each, confidence) for each in ("english", "japanese")],
    }
    if as_json:
        click.echo(json.dumps(document))
    else:
        _print(document)


def _accuracy(language: str, confidence: float) -> dict[str, Any]:
    """The classifier on the language's utterances that it was not trained on."""
    held_out = [u for u in load_utterances() if (u.language, u.part) == (language, "held_out")]
    right = sum(shipped_classifier().classify(u.text)[0] == u.intent for u in held_out)
    found = wilson(right, len(held_out), one_sided_z(1 - (1 - confidence) / 2))
    return {"language": language, "utterances": len(held_out), "accuracy": _figures(found)}


def _figures(interval: Interval) -> dict[str, float]:
    return {
        "estimate": interval.estimate,
        "lower": interval.lower,
        "upper": interval.upper,
    }


def _print(document: dict[str, Any]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPED_WIDTH)
    table = Table(box=SIMPLE_HEAD)
    for heading in ("what", "on", "faulty", "good", "precision", "recall", "specificity"):
        table.add_column(heading)
    for row in document["detector"]:
        counts = (row["part"].replace("_", " "), f"{row['faulty']}", f"{row['good']}")
        figures = (row["precision"], row["recall"], row["specificity"])
        table.add_row(row["class"], *counts, *map(_shown, figures))
    for row in document["classifier"]:
        what = f"intents, {row['language']}"
        table.add_row(what, "held out", "", f"{row['utterances']}", "", _shown(row["accuracy"]), "")
    console.print(table)
    assumed = document["assumed"]
    console.print(
        f"The policy assumes sensitivity {assumed['sensitivity']:g} (recall) and specificity "
        f"{assumed['specificity']:g}. Intents: accuracy, in the column of recall. Wilson's "
        f"intervals at {document['confidence']:.0%}."
    )


def _shown(figures: dict[str, float]) -> str:
    return f"{figures['estimate']:.3f} ({figures['lower']:.3f}-{figures['upper']:.3f})"
