"""The schema of events: what keeps to it, what does not, and the page made from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from canary.events.schema import EVENTS, VERSION, columns, fields_of, problems

ROOT = Path(__file__).parents[3]
VALUES = {"string": "x", "double": 1.5, "int": 1, "boolean": True}


def made(kind: str, **changes: Any) -> dict[str, Any]:
    """A good event of a kind, and what is changed in it."""
    line = {each.name: VALUES[each.kind] for each in EVENTS[kind]}
    return line | {"event": kind, "version": VERSION} | changes


@pytest.mark.parametrize("event", EVENTS)
def test_a_good_event_has_no_problem_with_or_without_what_may_be_missing(event: str) -> None:
    """All fields, or null and nothing where the schema says so."""
    assert problems(made(event)) == ()
    sparse = {
        each.name: None if each.null else made(event)[each.name]
        for each in EVENTS[event]
        if not each.optional
    }
    assert problems(sparse) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"event": "tea"}, "event: none of assignment, turn, outcome"),
        ({"version": 2}, "version: not 1"),
        ({"mood": "glad"}, "mood: no field of this event"),
        ({"unit_id": None}, "unit_id: null"),
        ({"turn": True}, "turn: no int"),
        ({"latency_ms": "1"}, "latency_ms: no double"),
        ({"error": 1}, "error: no boolean"),
    ],
)
def test_what_breaks_the_schema_is_named_by_its_field(changes: dict[str, Any], said: str) -> None:
    """Without the value, which may be what somebody said."""
    assert problems(made("turn", **changes)) == (said,)


def test_a_missing_field_is_named() -> None:
    """Each that is not optional."""
    line = made("outcome")
    del line["completed"]
    assert problems(line) == ("completed: missing",)


def test_a_turn_has_the_fields_that_the_experiment_asks_for() -> None:
    """A7's names, literally; and a field is of one type whichever event has it."""
    asked = {"test_id", "arm", "intent", "latency_ms", "token_count", "error_flag"}
    assert asked <= fields_of("turn")
    for fields in EVENTS.values():
        for each in fields:
            assert columns()[each.name] == each.kind


def test_the_page_of_events_is_as_the_schema_says() -> None:
    """`make events` writes it; a change of the schema alone fails here."""
    script = str(ROOT / "scripts" / "document_events.py")
    done = subprocess.run(
        [sys.executable, script, "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
