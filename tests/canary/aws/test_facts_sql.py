"""The SQL of a look, executed by DuckDB over events written by hand."""

from __future__ import annotations

import pytest

from canary.aws import facts_sql
from canary.aws.facts_sql import Window
from canary.policy.compiled import Metric
from tests.canary.aws.events import HOUR, NOW, Events

ERROR = Metric("error", "guardrail", "rate", "turns", "error", "turns", "lower")
COMPLETION = Metric(
    "completion", "success", "rate", "outcomes", "completed", "outcomes", "higher", 6 * 3600
)
CSAT = Metric("csat", "success", "mean", "outcomes", "csat", "surveys", "higher")
WINDOW = Window("r-1", NOW - 48 * HOUR, NOW - 24 * HOUR, NOW)


@pytest.fixture
def events() -> Events:
    return Events()


def sums(row: dict[str, object], index: int) -> tuple[object, ...]:
    return tuple(row[f"{name}{index}"] for name in ("u", "sn", "sy", "snn", "sny", "syy"))


def test_moments_are_sums_over_customers(events: Events) -> None:
    """A customer with three conversations is one unit whose squares are of its own totals."""
    for index, turns in enumerate((2, 1, 4)):
        for turn in range(turns):
            events.add("turn", f"c{index}", "ann", "canary", error=index == 2 and turn < 3)
    events.add("turn", "c9", "bob", "canary", error=True)
    (row,) = events.rows(facts_sql.cells("events", WINDOW, [ERROR]))
    # ann: n = 7, y = 3; bob: n = 1, y = 1
    assert sums(row, 0) == (2, 8, 4, 49 + 1, 21 + 1, 9 + 1)
    assert (row["stratum"], row["p_canary"], row["stage"], row["arm"]) == ("faq", 0.25, 1, "canary")


def test_unresolved_conversations_count_as_not_completed(events: Events) -> None:
    """Only conversations older than the outcome window count, and silence is no completion."""
    events.add("turn", "done", "ann", "control")
    events.add("outcome", "done", "ann", "control", epoch=NOW - 9 * HOUR, completed=True)
    events.add("turn", "open", "ann", "control")
    events.add("turn", "young", "bob", "control", epoch=NOW - HOUR)
    events.add("outcome", "young", "bob", "control", epoch=NOW - HOUR / 2, completed=True)
    (row,) = events.rows(facts_sql.cells("events", WINDOW, [COMPLETION]))
    assert sums(row, 0) == (1, 2, 1, 4, 2, 1)


def test_an_outcome_after_its_window_changes_nothing(events: Events) -> None:
    """What resolves seven hours later was unresolved at the close of six, in both arms."""
    events.add("turn", "late", "ann", "canary", epoch=NOW - 20 * HOUR)
    events.add("outcome", "late", "ann", "canary", epoch=NOW - 13 * HOUR, completed=True)
    (row,) = events.rows(facts_sql.cells("events", WINDOW, [COMPLETION]))
    assert sums(row, 0) == (1, 1, 0, 1, 0, 0)


def test_scores_are_counted_over_answered_surveys(events: Events) -> None:
    """A conversation without a survey is in neither the numerator nor the denominator."""
    for conversation, csat in (("a", 4), ("b", 2), ("c", None)):
        events.add("turn", conversation, "ann", "canary")
        events.add("outcome", conversation, "ann", "canary", completed=True, csat=csat)
    (row,) = events.rows(facts_sql.cells("events", WINDOW, [CSAT]))
    assert sums(row, 0) == (1, 2, 6, 4, 12, 36)


def test_an_event_delivered_twice_counts_once(events: Events) -> None:
    """The feed delivers at least once; the event's id makes it once."""
    first = events.add("turn", "a", "ann", "canary", error=True)
    events.add("turn", "a", "ann", "canary", error=True, event_id=first)
    (row,) = events.rows(facts_sql.cells("events", WINDOW, [ERROR]))
    assert sums(row, 0) == (1, 1, 1, 1, 1, 1)


def test_only_this_releases_drawn_conversations_in_the_window_enter(events: Events) -> None:
    """Another release, no arm, before the window, after the look: all stay out."""
    events.add("turn", "other", "ann", "canary", release_id="r-2")
    events.add("turn", "undrawn", "bob", None)
    events.add("turn", "before", "cat", "canary", epoch=NOW - 30 * HOUR)
    events.add("turn", "after", "dan", "canary", epoch=NOW + 1)
    assert events.rows(facts_sql.cells("events", WINDOW, [ERROR])) == []


def test_a_cell_is_a_stratum_a_probability_a_stage_and_an_arm(events: Events) -> None:
    """Units of different strata, probabilities, stages or arms never share a cell."""
    events.add("turn", "a", "ann", "canary")
    events.add("turn", "b", "bob", "control")
    events.add("turn", "c", "cat", "canary", stratum="recommendation")
    events.add("turn", "d", "dan", "canary", p_canary=0.5, stage=2)
    assert len(events.rows(facts_sql.cells("events", WINDOW, [ERROR]))) == 4


def test_the_tail_is_the_slowest_turn_of_the_slowest_conversations(events: Events) -> None:
    """Of 200 conversations the slowest 56 come, slowest first, with the arm's total."""
    for index in range(200):
        events.add("turn", f"c{index}", f"u{index}", "control", latency_ms=100.0)
        events.add("turn", f"c{index}", f"u{index}", "control", latency_ms=1000.0 + index)
    rows = events.rows(facts_sql.latency("events", WINDOW))
    assert [row["slowest_ms"] for row in rows] == [1199.0 - index for index in range(56)]
    assert {row["total"] for row in rows} == {200}


def test_draws_are_first_conversations_by_stage_and_probability(events: Events) -> None:
    """A customer is drawn once; later conversations are no draws."""
    for index in range(4):
        arm = "canary" if index == 0 else "control"
        events.add("turn", f"c{index}", f"u{index}", arm, first_of_unit=True)
        events.add("turn", f"d{index}", f"u{index}", arm, first_of_unit=False)
    events.add("turn", "e", "v", "canary", first_of_unit=True, p_canary=0.5, stage=2)
    assert events.rows(facts_sql.draws("events", WINDOW)) == [
        {"stage": 1, "p_canary": 0.25, "control": 3, "canary": 1},
        {"stage": 2, "p_canary": 0.5, "control": 0, "canary": 1},
    ]


def test_a_quote_in_a_release_id_stays_a_literal(events: Events) -> None:
    """A release id cannot end the string it stands in."""
    events.add("turn", "a", "ann", "canary", release_id="o'hara")
    window = Window("o'hara", WINDOW.released_at, WINDOW.since, WINDOW.as_of)
    assert len(events.rows(facts_sql.cells("events", window, [ERROR]))) == 1


def test_hits_of_the_cache_are_counted_by_turn(events: Events) -> None:
    """Of a customer's three turns the cache knew two."""
    hit = Metric("cache_hit", "observational", "rate", "turns", "cache_hit", "turns", "higher")
    for known in (False, True, True):
        events.add("turn", "a", "ann", "canary", cache_hit=known)
    assert facts_sql.measured([hit]) == (hit,)
    (row,) = events.rows(facts_sql.cells("events", WINDOW, [hit]))
    assert sums(row, 0) == (1, 3, 2, 9, 6, 4)


def test_a_metric_without_a_column_is_left_out() -> None:
    """A metric that no line can answer has no data instead of a wrong number."""
    unknown = Metric("shift", "observational", "rate", "turns", "intent_changed", "turns", "higher")
    quantile = Metric("p99", "guardrail", "quantile", "turns", "latency_ms", "turns", "lower")
    assert facts_sql.measured([ERROR, unknown, quantile]) == (ERROR,)
