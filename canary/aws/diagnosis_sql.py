"""The SQL of a diagnosis: how turns ended around a rollback, and some of them to read.

The subset that Athena's engine and DuckDB share. Every value in it is a number, a date or a quoted
literal of ours.
"""

from __future__ import annotations

from canary.aws.conversations_sql import date_of, quoted

__all__ = ["AROUND_SECONDS", "SHOWN_TURNS", "counts", "turns"]

AROUND_SECONDS = 3600.0
"""How much before and after a rollback is looked at."""
SHOWN_TURNS = 20
"""How many turns of each arm are shown at most."""


def counts(table: str, test_id: str, shifted_at: float) -> str:
    """One row for each moment (`before`, `after`), arm and intent: turns, and how many went wrong.

    Arms as drawn: a turn that control answered after the rollback still is its unit's.
    """
    sums = ", ".join(
        f"SUM(CASE WHEN {name} THEN 1 ELSE 0 END) AS {name}"
        for name in ("error", "throttled", "slow", "fallback")
    )
    return f"""WITH lines AS (
  SELECT DISTINCT event_id, arm, intent, error, throttled, slow, fallback,
    CASE WHEN epoch < {shifted_at!r} THEN 'before' ELSE 'after' END AS moment
  FROM {table}
  WHERE {_span(test_id, shifted_at - AROUND_SECONDS, shifted_at + AROUND_SECONDS)}
)
SELECT moment, arm, intent, COUNT(*) AS turns, {sums}
FROM lines
GROUP BY moment, arm, intent
ORDER BY moment DESC, arm, intent"""  # noqa: S608 - no outside text enters


def turns(table: str, test_id: str, shifted_at: float) -> str:
    """The last turns of each arm before the rollback: those that failed, then those with words."""
    return f"""WITH lines AS (
  SELECT DISTINCT event_id, epoch, arm, conversation_id, turn, intent, status, error, throttled,
    slow, fallback, latency_ms, question, text,
    CASE WHEN error OR throttled OR slow THEN 0 WHEN text IS NOT NULL THEN 1 ELSE 2 END AS kind
  FROM {table}
  WHERE {_span(test_id, shifted_at - AROUND_SECONDS, shifted_at)}
),
ranked AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY arm ORDER BY kind, epoch DESC, event_id) AS place
  FROM lines
  WHERE kind < 2
)
SELECT epoch, arm, conversation_id, turn, intent, status, error, throttled, slow, fallback,
  latency_ms, question, text
FROM ranked
WHERE place <= {SHOWN_TURNS:d}
ORDER BY arm, place"""  # noqa: S608 - no outside text enters


def _span(test_id: str, first: float, last: float) -> str:
    """A test's turns in an arm of [first, last], in the folders of those days."""
    return (
        f"\"date\" >= '{date_of(first)}' AND \"date\" <= '{date_of(last)}'"
        f" AND event = 'turn' AND test_id = {quoted(test_id)} AND arm IS NOT NULL"
        f" AND epoch >= {first!r} AND epoch <= {last!r}"
    )
