"""The report as one page of HTML: complete in itself, without a script or a request.

It shows the document and computes nothing: every number and every text of a release comes from
`Sheet`, with its place in the document beside it.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

from canary.report.arm_sections import exclusions, ramp, spreads, stability
from canary.report.effect_sections import composite, guardrails, per_intent, primary_metric
from canary.report.markup import Sheet
from canary.report.record_sections import before_you_answer, decided, ledger, samples

__all__ = ["report_page"]

_STYLE = Path(__file__).with_name("report.css")
_SECTIONS: tuple[tuple[str, str, Callable[[Sheet], str]], ...] = (
    ("primary", "Primary metric", primary_metric),
    ("intents", "Per intent and tier", per_intent),
    ("guardrails", "Guardrails", guardrails),
    ("composite", "Composite", composite),
    ("ramp", "Ramp and sample ratio", ramp),
    ("stability", "Days, promotions, novelty", stability),
    ("spreads", "Latency and tokens", spreads),
    ("exclusions", "Exclusions", exclusions),
    ("rules", "Rules and decisions", decided),
    ("ledger", "Ledger", ledger),
    ("samples", "Sample conversations", samples),
)


def report_page(document: dict[str, Any]) -> str:
    """The page of a document as `report_document` makes it; the same document, the same bytes."""
    sheet = Sheet(document)
    release = document["release"]
    title = html.escape(f"{release['release_id']}: {release['candidate']}")
    links = "".join(f'<li><a href="#{name}">{heading}</a></li>' for name, heading, _ in _SECTIONS)
    parts = "\n".join(
        f'<section id="{name}"><h2>{heading}</h2>\n{write(sheet)}</section>'
        for name, heading, write in _SECTIONS
    )
    head = (
        f'<meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # A page without an icon is asked for one.
        '<link rel="icon" href="data:,">'
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style>"
    )
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n'
        f'{_opening(sheet)}\n<nav aria-label="Parts of the report"><ul>{links}</ul></nav>\n'
        f"<main>\n{parts}\n</main>\n</body></html>\n"
    )


def _opening(sheet: Sheet) -> str:
    """What is asked, before anything else."""
    kind = sheet.at("verdict.kind")
    facts = sheet.facts(
        [
            ("release", "release.release_id", "text"),
            ("candidate", "release.candidate", "text"),
            ("control", "release.control", "text"),
            ("region", "release.region", "text"),
            ("test", "release.test_id", "text"),
            ("phase", "release.phase", "text"),
            ("stopped", "release.revoked", "yes"),
            ("stage's rate", "release.rate", "used"),
            ("first exposure", "release.first_exposure_at", "moment"),
            ("under test for", "release.exposed_seconds", "span"),
            ("looks", "release.looks", "count"),
            ("last look", "release.last_look_at", "moment"),
            ("written", "release.written_at", "moment"),
        ]
    )
    return (
        f"<header><h1>Report on release {sheet.figure('release.release_id')}</h1>"
        f'<div class="verdict {kind}">'
        f'<p class="sentence">{sheet.figure("verdict.sentence")}</p>'
        f"<p><strong>What is asked:</strong> {sheet.figure('verdict.ask')}</p></div>"
        f"{before_you_answer(sheet)}{facts}{_changes(sheet)}</header>"
    )


def _changes(sheet: Sheet) -> str:
    """What a scenario's pace, or a rollback before it, changed in the release's policy."""
    changes = sheet.at("release.policy_changes")
    if not changes:
        return ""
    items = "".join(
        f"<li>{sheet.figure(f'release.policy_changes.{index}')}</li>"
        for index in range(len(changes))
    )
    return (
        "<details><summary>What differs from the policy of the region</summary>"
        f"<ul>{items}</ul></details>"
    )
