"""The SQL beneath every look: one row a conversation, from raw lines and from days summed up.

A conversation's lines of one day make a *part*; parts of several days make the conversation again.
A day that is over is kept as parts (`day`), so that a look reads raw lines of the present day only
and finds exactly what it would find in all raw lines. Not smaller than that, because a customer
comes back on other days and an outcome may belong to yesterday's turn: a sum over a day's customers
could not be taken apart again.

Written in the subset that Athena's engine and DuckDB share. Every value in it is a number, a date
or a quoted literal of ours.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

__all__ = [
    "DAY_SECONDS",
    "PART_COLUMNS",
    "Days",
    "Window",
    "conversations",
    "date_of",
    "day",
    "lines",
    "quoted",
]

DAY_SECONDS = 86_400.0
_NEVER = "1e18"
"""Later than any epoch: orders lines that are no draw behind all draws."""

PART_COLUMNS = (
    *("conversation_id", "first_epoch", "unit_id", "stratum", "p_canary", "stage", "arm"),
    *("started", "resolved", "last_epoch", "slowest_ms"),
    *("drawn_at", "drawn_unit", "drawn_stage", "drawn_p", "drawn_arm"),
    *("turns", "error", "slow", "throttled", "fallback", "refused", "tokens", "cache_hit"),
    *("escalated", "reassigned", "completed", "surveys", "csat", "offers", "clicked"),
    *("carts", "cart_abandoned"),
)
"""What is known of a conversation's lines of one day."""
_OF_FIRST = ("unit_id", "stratum", "p_canary", "stage", "arm")
_OF_DRAW = ("drawn_unit", "drawn_p", "drawn_arm")
_EARLIEST = ("started", "resolved", "drawn_at", "drawn_stage")
_LATEST = ("last_epoch", "slowest_ms")
_SUMS = ("turns", "error", "slow", "throttled", "fallback", "refused", "tokens", "cache_hit")
_ANY = (
    *("escalated", "reassigned", "completed", "surveys", "csat", "offers", "clicked"),
    *("carts", "cart_abandoned"),
)


@dataclass(frozen=True)
class Days:
    """The days of a test that are summed up: in which table, and the attempt that counts.

    `attempts` maps a date to it. An attempt that failed half-way has left rows that no item names.
    """

    table: str
    test_id: str
    attempts: dict[str, str] = field(default_factory=dict)

    def until(self, start: float, end: float) -> float:
        """Where the unbroken run of days from `start`'s ends, at `end`'s midnight at the latest."""
        at = start - start % DAY_SECONDS
        while at + DAY_SECONDS <= end and date_of(at) in self.attempts:
            at += DAY_SECONDS
        return at


@dataclass(frozen=True)
class Window:
    """Conversations of one release that started in [since, as_of], epoch seconds."""

    release_id: str
    released_at: float
    since: float
    as_of: float
    days: Days | None = None
    """What need not be read from raw lines."""


def conversations(table: str, window: Window) -> str:
    """A WITH clause whose last name, `conversations`, has one row a conversation.

    By the arm drawn for it, whatever served it.
    """
    start = window.released_at
    until = window.days.until(start, window.as_of) if window.days else 0.0
    summed = ""
    if window.days and until > start - start % DAY_SECONDS:
        summed = f"\n  UNION ALL\n  {_summed(window.days, start, until)}"
    merged = ",\n    ".join(
        [
            *(f"MIN_BY({name}, first_epoch) AS {name}" for name in _OF_FIRST),
            *(f"MIN_BY({name}, COALESCE(drawn_at, {_NEVER})) AS {name}" for name in _OF_DRAW),
            *(f"MIN({name}) AS {name}" for name in _EARLIEST),
            *(f"MAX({name}) AS {name}" for name in (*_LATEST, *_ANY)),
            *(f"SUM({name}) AS {name}" for name in _SUMS),
        ]
    )
    dates = (max(start, until), window.as_of)
    epochs = f"epoch >= {until!r} AND epoch <= {window.as_of!r}"
    return f"""WITH {lines(table, window.release_id, dates, epochs)},
parts AS (
  {_parts()}{summed}
),
conversations AS (
  SELECT conversation_id,
    1 AS conversations,
    1 AS outcomes,
    {merged}
  FROM parts
  GROUP BY conversation_id
)"""  # noqa: S608 - no outside text enters


def day(table: str, release_id: str, date: str, attempt: str) -> str:
    """The parts of one day, each with the attempt's name: what is kept of the day."""
    start = dt.datetime.fromisoformat(date).replace(tzinfo=dt.UTC).timestamp()
    last = start + DAY_SECONDS
    lines_of = lines(table, release_id, (start, last), f"epoch >= {start!r} AND epoch < {last!r}")
    names = ", ".join(PART_COLUMNS)
    return f"""WITH {lines_of},
parts AS (
  {_parts()}
)
SELECT {quoted(attempt)} AS attempt, {names}
FROM parts"""  # noqa: S608 - the one literal is quoted


def quoted(text: str) -> str:
    """A literal, whatever is in it."""
    return "'" + text.replace("'", "''") + "'"


def date_of(epoch: float) -> str:
    """The day in UTC, YYYY-MM-DD."""
    return dt.datetime.fromtimestamp(epoch, tz=dt.UTC).date().isoformat()


def lines(table: str, release_id: str, span: tuple[float, float], epochs: str) -> str:
    """The release's events of some epochs, each once: the feed delivers at least once.

    A file's date is that of its oldest record's arrival: the first events of `span` may lie with
    the day before, the last ones with the day after. Files of other epochs are listed there and
    skipped by their statistics.
    """
    first, last = date_of(span[0] - DAY_SECONDS), date_of(span[1] + DAY_SECONDS)
    return f"""lines AS (
  SELECT DISTINCT event, event_id, epoch, stage, conversation_id, unit_id, stratum, arm, p_canary,
    first_of_unit, error, throttled, fallback, slow, latency_ms, input_tokens, output_tokens,
    cache_hit, reassigned_reason, status, intent, completed, csat, clicked, cart_abandoned,
    escalated
  FROM {table}
  WHERE "date" >= '{first}' AND "date" <= '{last}'
    AND release_id = {quoted(release_id)} AND arm IS NOT NULL AND event <> 'assignment'
    AND {epochs}
)"""  # noqa: S608 - the one literal is quoted


def _parts() -> str:
    """One row a conversation of `lines`."""
    draw = f"CASE WHEN event = 'turn' AND first_of_unit THEN epoch ELSE {_NEVER} END"
    return f"""SELECT conversation_id,
    MIN(epoch) AS first_epoch,
    MIN_BY(unit_id, epoch) AS unit_id,
    MIN_BY(stratum, epoch) AS stratum,
    MIN_BY(p_canary, epoch) AS p_canary,
    MIN_BY(stage, epoch) AS stage,
    MIN_BY(arm, epoch) AS arm,
    MIN(CASE WHEN event = 'turn' THEN epoch END) AS started,
    MIN(CASE WHEN event = 'outcome' THEN epoch END) AS resolved,
    MAX(epoch) AS last_epoch,
    MAX(CASE WHEN event = 'turn' THEN latency_ms END) AS slowest_ms,
    MIN(CASE WHEN event = 'turn' AND first_of_unit THEN epoch END) AS drawn_at,
    MIN_BY(unit_id, {draw}) AS drawn_unit,
    MIN(CASE WHEN event = 'turn' AND first_of_unit THEN stage END) AS drawn_stage,
    MIN_BY(p_canary, {draw}) AS drawn_p,
    MIN_BY(arm, {draw}) AS drawn_arm,
    {_count("event = 'turn'")} AS turns,
    {_count("event = 'turn' AND error")} AS error,
    {_count("event = 'turn' AND slow")} AS slow,
    {_count("event = 'turn' AND throttled")} AS throttled,
    {_count("event = 'turn' AND fallback")} AS fallback,
    {_count("event = 'turn' AND status = 'refused'")} AS refused,
    SUM(COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0)) AS tokens,
    {_count("event = 'turn' AND cache_hit")} AS cache_hit,
    {_any("escalated OR (event = 'turn' AND intent = 'escalation')")} AS escalated,
    {_any("reassigned_reason IS NOT NULL")} AS reassigned,
    {_any("completed")} AS completed,
    {_any("csat IS NOT NULL")} AS surveys,
    MAX(COALESCE(csat, 0)) AS csat,
    {_any("clicked IS NOT NULL")} AS offers,
    {_any("clicked")} AS clicked,
    {_any("cart_abandoned IS NOT NULL")} AS carts,
    {_any("cart_abandoned")} AS cart_abandoned
  FROM lines
  GROUP BY conversation_id"""  # noqa: S608 - no outside text enters


def _summed(days: Days, start: float, until: float) -> str:
    """The parts of the days that are summed up, up to the midnight `until`."""
    first, last = date_of(start), date_of(until - DAY_SECONDS)
    used = sorted(attempt for date, attempt in days.attempts.items() if first <= date <= last)
    attempts = ", ".join(quoted(attempt) for attempt in used)
    return f"""SELECT {", ".join(PART_COLUMNS)}
  FROM {days.table}
  WHERE test_id = {quoted(days.test_id)} AND "date" >= '{first}' AND "date" <= '{last}'
    AND attempt IN ({attempts})"""  # noqa: S608 - literals are quoted


def _count(condition: str) -> str:
    return f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END)"


def _any(condition: str) -> str:
    return f"MAX(CASE WHEN {condition} THEN 1 ELSE 0 END)"
