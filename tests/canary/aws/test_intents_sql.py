"""What customers ask for after their first message, counted by DuckDB."""

from __future__ import annotations

from typing import Any

from canary.aws.conversations_sql import Window
from canary.aws.intents_sql import later_intents
from tests.canary.aws.events import HOUR, NOW, Events

WINDOW = Window("r-1", NOW - 72 * HOUR, NOW - 60 * HOUR, NOW)
INTENTS = ("faq", "chitchat")


def asked(events: Events, *intents: str, unit: str = "ann", **more: Any) -> None:
    """A customer's messages, the first of which drew the arm."""
    for index, intent in enumerate(intents):
        events.add("turn", unit, unit, "canary", intent=intent, first_of_unit=index == 0, **more)


def rows(events: Events) -> list[dict[str, object]]:
    return events.rows(later_intents("events", WINDOW, INTENTS))


def test_sums_are_over_customers_and_without_their_first_message() -> None:
    """Two customers: (faq 2, chitchat 1 of 3 later messages) and (chitchat 1 of 1)."""
    events = Events()
    asked(events, "faq", "faq", "faq", "chitchat")
    asked(events, "faq", "chitchat", unit="bob")
    (row,) = rows(events)
    assert (row["units"], row["sn"], row["snn"]) == (2, 4, 9 + 1)
    assert (row["sy0"], row["sny0"], row["sy1"], row["sny1"]) == (2, 6, 2, 3 + 1)
    assert (row["syy0_0"], row["syy0_1"], row["syy1_1"]) == (4, 2, 1 + 1)


def test_outcomes_other_intents_and_old_messages() -> None:
    """Another intent counts as a message only; outcomes and what is a day old do not count."""
    events = Events()
    asked(events, "faq", "order_tracking")
    events.add("outcome", "ann", "ann", "canary", completed=True)
    asked(events, "faq", "faq", unit="old", epoch=NOW - 25 * HOUR)
    (row,) = rows(events)
    assert (row["units"], row["sn"], row["sy0"], row["sy1"]) == (1, 1, 0, 0)


def test_arms_and_strata_are_cells_of_their_own() -> None:
    """By the stratum and the arm that were drawn."""
    events = Events()
    for arm, stratum in (("canary", "faq"), ("control", "faq"), ("control", "chitchat")):
        name = f"{arm}-{stratum}"
        events.add("turn", name, name, arm, stratum=stratum, intent="faq", first_of_unit=False)
    assert [(row["stratum"], row["arm"]) for row in rows(events)] == [
        ("chitchat", "control"),
        ("faq", "canary"),
        ("faq", "control"),
    ]
