"""Checking quoted titles against the catalogue."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest


def logs(*lines: object) -> dict[str, Any]:
    """A subscription event of these log lines."""
    batch = {
        "logEvents": [
            {"message": line if isinstance(line, str) else json.dumps(line)} for line in lines
        ]
    }
    data = base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()
    return {"awslogs": {"data": data}}


def turn(text: str, arm: str | None = "canary", sampled: bool = True) -> dict[str, Any]:
    return {"event": "turn", "arm": arm, "p_canary": 0.25, "sampled": sampled, "text": text}


@pytest.mark.parametrize(
    ("text", "invented"),
    [
        ('Try "One Piece" or “Vinland Saga”.', 0),
        ('Try "ONE  PIECE!"', 0),
        ("「鬼滅の刃」と『ワンピース』", 0),
        ("「\uff2e\uff21\uff32\uff35\uff34\uff2f」", 0),  # full width
        ('Read "The Glass Samurai of Nowhere"', 1),
        ("『存在しない漫画』はいかがですか", 1),
        ("No title at all", 0),
    ],
)
def test_a_title_that_does_not_exist_is_a_hallucination(
    region: Any, text: str, invented: int
) -> None:
    """Case, width and closing punctuation do not matter; existence does."""
    counts = region.load("detect").handler(logs(turn(text)), None)
    assert counts["Hallucinations"]["canary"] == invented
    assert counts["TurnsChecked"]["canary"] == 1


def test_counts_are_published_by_arm(region: Any) -> None:
    """Two arms in one batch keep their own counts."""
    region.load("detect").handler(
        logs(turn('"Akira"', "control"), turn('"Nope 1"'), turn('"Nope 2"')), None
    )
    assert region.metric("TurnsChecked", "control") == [1.0]
    assert region.metric("Hallucinations", "control") == [0.0]
    assert region.metric("TurnsChecked", "control-matched") == [pytest.approx(1 / 3)]
    assert region.metric("Hallucinations", "control-matched") == [0.0]
    assert region.metric("TurnsChecked", "canary") == [2.0]
    assert region.metric("Hallucinations", "canary") == [2.0]
    assert region.metric("NamesQuoted", "canary") == [2.0]
    assert region.metric("NamesCorrect", "canary") == [0.0]


def test_lines_without_a_checked_answer_are_passed_over(region: Any) -> None:
    """Metrics, outcomes, unsampled turns, turns without an arm and plain text count nothing."""
    counts = region.load("detect").handler(
        logs("plain text", {"_aws": {}}, [1], turn('"Nope"', None), turn('"Nope"', sampled=False)),
        None,
    )
    assert counts == {}
