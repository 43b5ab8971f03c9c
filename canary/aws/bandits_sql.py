"""The SQL of what bandits learn from: an intent's decisions with what was said of each.

The subset that Athena's engine and DuckDB share; every value is a number, a date or a quoted
literal of ours.
"""

from __future__ import annotations

from canary.aws.conversations_sql import DAY_SECONDS, date_of, quoted

__all__ = ["LATE_SECONDS", "decided"]

LATE_SECONDS = 300.0
"""A turn's event is written after its decision was made, by as long as its answer took."""


def decided(table: str, intent: str, since: float, until: float, window: float) -> str:
    """A row for each decision made in [since, until) and each outcome of its conversation.

    Columns: `bandit` (the decision's JSON), `text` and `scored_at` of an answer to score, `at` and
    `completed` of an outcome within `window` seconds. Without outcome the last two are null. Every
    turn tells its conversation's decision: the caller keeps those made in the stretch.
    """
    first, last = date_of(since - DAY_SECONDS), date_of(until + window + 2 * DAY_SECONDS)
    dates = f"\"date\" >= '{first}' AND \"date\" <= '{last}'"
    end = until + LATE_SECONDS
    return f"""WITH turns AS (
  SELECT bandit, MIN(conversation_id) AS conversation_id,
    MAX(CASE WHEN bandit_scored THEN text END) AS text,
    MIN(CASE WHEN bandit_scored THEN epoch END) AS scored_at
  FROM {table}
  WHERE {dates} AND event = 'turn' AND bandit IS NOT NULL AND intent = {quoted(intent)}
    AND epoch >= {since!r} AND epoch < {end!r}
  GROUP BY bandit
),
ends AS (
  SELECT DISTINCT conversation_id, epoch, completed
  FROM {table}
  WHERE {dates} AND event = 'outcome' AND completed IS NOT NULL
    AND epoch >= {since!r} AND epoch < {until + window!r}
)
SELECT turns.bandit, turns.text, turns.scored_at, ends.epoch AS at, ends.completed
FROM turns
LEFT JOIN ends ON ends.conversation_id = turns.conversation_id
ORDER BY turns.bandit, ends.epoch"""  # noqa: S608 - the one literal is quoted
