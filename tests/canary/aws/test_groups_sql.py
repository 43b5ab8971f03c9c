"""The primary metric in parts, executed by DuckDB over events written by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canary.aws.conversations_sql import Window
from canary.aws.groups_sql import groups
from canary.policy.compiled import Closure
from tests.canary.aws.events import HOUR, NOW, Events
from tests.canary.samples import policy

DAY = 24 * HOUR
SINCE = NOW - 10 * DAY
"""NOW is Tuesday, 14 November 2023, 17:13 in New York; the zone of the sample policy."""
WINDOW = Window("r-1", SINCE, SINCE, NOW)
STAGE = 3


@pytest.fixture
def events() -> Events:
    return Events()


def converse(events: Events, name: str, unit: str, at: float, *, stage: int = STAGE) -> None:
    """One conversation that was completed at once."""
    common = {"stage": stage, "p_canary": 0.5}
    events.add("turn", name, unit, "canary", epoch=at, **common)
    events.add("outcome", name, unit, "canary", epoch=at + 60, completed=True, **common)


def pieces(events: Events, part: str, **changes: object) -> dict[object, object]:
    """Customers by piece of one part."""
    rows = events.rows(groups("events", WINDOW, replace(policy(), **changes), STAGE))
    return {row["piece"]: row["u0"] for row in rows if row["part"] == part}


def test_conversations_fall_into_the_weekdays_of_the_regions_own_clock(events: Events) -> None:
    """Midnight in New York is 5 o'clock UTC: the same hour of the night is Sunday and Monday."""
    monday = NOW - 1 * DAY - 17 * HOUR - 13 * 60 - 20
    converse(events, "a", "ann", monday - 60)
    converse(events, "b", "bob", monday)
    converse(events, "c", "cy", monday - 7 * DAY)
    assert pieces(events, "weekday") == {"6": 1, "0": 2}


def test_a_closure_divides_the_test(events: Events) -> None:
    """Its days are inside, all others outside; without one everything is outside."""
    converse(events, "a", "ann", NOW - 4 * DAY)
    converse(events, "b", "bob", NOW - 1 * DAY)
    closed = (Closure("sale", "2023-11-10", "2023-11-11"),)
    assert pieces(events, "calendar", calendar=closed) == {"inside": 1, "outside": 1}
    assert pieces(events, "calendar") == {"outside": 2}


def test_days_of_exposure_are_counted_from_a_customers_first_at_any_stage(events: Events) -> None:
    """Two days early, from the fifth on late; exposure begins before the last stage too."""
    first = NOW - 9 * DAY
    converse(events, "old", "ann", first, stage=2)
    converse(events, "early", "ann", first + 1.9 * DAY)
    converse(events, "between", "ann", first + 2.1 * DAY)
    converse(events, "late", "ann", first + 4 * DAY)
    assert pieces(events, "exposure") == {"early": 1, "between": 1, "late": 1}


def test_only_the_stage_asked_for_and_matured_outcomes_count(events: Events) -> None:
    """A conversation younger than the outcome window is in no piece's denominator."""
    converse(events, "other", "ann", NOW - 3 * DAY, stage=2)
    converse(events, "young", "bob", NOW - HOUR)
    converse(events, "ripe", "cy", NOW - 8 * HOUR)
    rows = events.rows(groups("events", WINDOW, policy(), STAGE))
    counted = [row for row in rows if row["part"] == "calendar"]
    assert [(row["u0"], row["sn0"], row["sy0"]) for row in counted] == [(1, 1, 1)]


def test_a_customer_is_one_unit_within_a_piece(events: Events) -> None:
    """Squares are of the customer's own totals, so that the error is cluster-robust."""
    for index in range(3):
        converse(events, f"c{index}", "ann", NOW - 3 * DAY + index)
    rows = events.rows(groups("events", WINDOW, policy(), STAGE))
    (row,) = [row for row in rows if row["part"] == "exposure"]
    sums = tuple(row[f"{name}0"] for name in ("u", "sn", "sy", "snn", "sny", "syy"))
    assert sums == (1, 3, 3, 9, 9, 9)
