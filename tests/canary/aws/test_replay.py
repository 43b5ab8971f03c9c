"""A file of events that arrives again changes nothing that a look reads."""

from __future__ import annotations

from canary.aws import facts_sql, intents_sql
from tests.canary.aws.events import HOUR, NOW, Events
from tests.canary.aws.test_facts_sql import COMPLETION, CSAT, ERROR, WINDOW

INTENTS = ("faq", "recommendation")


def told() -> Events:
    """Some customers, each with a draw, turns and an outcome."""
    events = Events()
    for number in range(12):
        unit, arm = f"u{number % 8}", ("control", "canary")[number % 2]
        at = NOW - 12 * HOUR + number
        more = {"epoch": at, "intent": INTENTS[number % 2]}
        events.add("assignment", f"c{number}", unit, arm, **more)
        events.add(
            "turn",
            f"c{number}",
            unit,
            arm,
            first_of_unit=number < 8,
            error=number == 3,
            latency_ms=100.0 * number,
            input_tokens=7,
            **more,
        )
        events.add("outcome", f"c{number}", unit, arm, completed=number % 3 == 0, csat=3, **more)
    return events


def answers(events: Events) -> list[list[dict[str, object]]]:
    """What every query of a look finds."""
    queries = (
        facts_sql.cells("events", WINDOW, [ERROR, COMPLETION, CSAT]),
        facts_sql.latency("events", WINDOW),
        facts_sql.draws("events", WINDOW),
        intents_sql.later_intents("events", WINDOW, INTENTS),
    )
    return [events.rows(query) for query in queries]


def test_a_file_that_is_delivered_again_changes_nothing() -> None:
    """Whole or in part, on the same day or with the next day's files."""
    events = told()
    before = answers(events)
    assert before[0]
    assert before[2]
    events.connection.execute("INSERT INTO events SELECT * FROM events")
    assert answers(events) == before
    events.connection.execute(
        "INSERT INTO events SELECT * REPLACE ('2023-11-15' AS \"date\") FROM events "
        "WHERE event_id < 'e2'"
    )
    assert answers(events) == before


def test_an_assignment_s_line_is_no_turn() -> None:
    """A draw whose turn was lost on the way counts in nothing that is compared."""
    events = told()
    before = answers(events)
    events.add("assignment", "c99", "u99", "canary", epoch=NOW - 12 * HOUR)
    assert answers(events) == before
