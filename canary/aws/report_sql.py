"""The SQL of a report: spreads by arm, what became of conversations, a few of them to read.

The same subset as the queries of a look: Athena's engine and DuckDB run one text. Every value in
it is a number, a date or a quoted literal of ours.
"""

from __future__ import annotations

from canary.aws.conversations_sql import DAY_SECONDS, Window, conversations, date_of, quoted
from canary.aws.facts_sql import cell_moments, unit_sums
from canary.policy.compiled import Metric

__all__ = ["SAMPLES", "THOUSANDTHS", "conduct", "primary_cells", "samples", "spreads", "undrawn"]

THOUSANDTHS = tuple(sorted({*range(10, 1000, 20), 500, 900, 999}))
"""Which order statistics of a spread are read: enough for a curve, with those that are named."""
SAMPLES = 4
"""How many conversations of each arm are shown."""


def spreads(table: str, window: Window) -> str:
    """Order statistics by arm: what (`latency_ms` or `tokens`), arm, total, thousandth, value.

    Places are worked out exactly: thousandths times a count is a whole number in both engines.
    """
    wanted = ", ".join(f"({q:d})" for q in THOUSANDTHS)
    return f"""{conversations(table, window)},
measured AS (
  SELECT arm, 'latency_ms' AS what, CAST(slowest_ms AS DOUBLE) AS amount
  FROM conversations
  WHERE started >= {window.since!r} AND slowest_ms IS NOT NULL
  UNION ALL
  SELECT arm, 'tokens' AS what, CAST(tokens AS DOUBLE) AS amount
  FROM conversations
  WHERE started >= {window.since!r} AND tokens > 0
),
ranked AS (
  SELECT arm, what, amount,
    ROW_NUMBER() OVER (PARTITION BY arm, what ORDER BY amount) AS place,
    COUNT(*) OVER (PARTITION BY arm, what) AS total
  FROM measured
)
SELECT ranked.what, ranked.arm, ranked.total, wanted.thousandth, ranked.amount
FROM ranked
JOIN (VALUES {wanted}) AS wanted (thousandth)
  ON ranked.place = CAST(CEIL(ranked.total * wanted.thousandth / 1e3) AS BIGINT)
ORDER BY ranked.what, ranked.arm, wanted.thousandth"""  # noqa: S608 - no outside text enters


def conduct(table: str, window: Window) -> str:
    """One row an arm: customers, conversations, turns, and what happened to them."""
    sums = ", ".join(
        f"SUM({name}) AS {name}" for name in ("turns", "error", "fallback", "refused", "reassigned")
    )
    return f"""{conversations(table, window)}
SELECT arm, COUNT(DISTINCT unit_id) AS customers, COUNT(*) AS conversations, {sums},
  SUM(reassigned) AS excluded_by_source
FROM conversations
WHERE started >= {window.since!r}
GROUP BY arm
ORDER BY arm"""  # noqa: S608 - no outside text enters


def primary_cells(table: str, window: Window, metric: Metric, *, kept_by_source: bool) -> str:
    """The metric's cells over all drawn conversations, or over those the source would keep.

    The source document leaves out conversations that were moved to the other arm.
    """
    kept = " AND reassigned = 0" if kept_by_source else ""
    return f"""{conversations(table, window)},
units AS (
  SELECT stratum, p_canary, stage, arm, unit_id,
    {unit_sums([metric], window)}
  FROM conversations
  WHERE started >= {window.since!r}{kept}
  GROUP BY stratum, p_canary, stage, arm, unit_id
)
SELECT stratum, p_canary, stage, arm,
  {cell_moments(1)}
FROM units
GROUP BY stratum, p_canary, stage, arm
ORDER BY stage, stratum, p_canary, arm"""  # noqa: S608 - no outside text enters


def undrawn(table: str, window: Window) -> str:
    """One row: conversations of the release's time with no turn in an arm, as `conversations`."""
    return f"""WITH lines AS (
  SELECT conversation_id, arm
  FROM {table}
  WHERE {_span(window, window.since)} AND event = 'turn'
),
counted AS (
  SELECT conversation_id, MAX(CASE WHEN arm IS NOT NULL THEN 1 ELSE 0 END) AS drawn
  FROM lines
  GROUP BY conversation_id
)
SELECT COUNT(*) AS conversations
FROM counted
WHERE drawn = 0"""  # noqa: S608 - no outside text enters


def samples(table: str, window: Window) -> str:
    """The lines of some conversations of the window's last day, evenly chosen over their ids.

    An arm's conversations with a text come before those without one. Customers are left out.
    """
    since = max(window.since, window.as_of - DAY_SECONDS)
    steps = ", ".join(
        f"1 + CAST(FLOOR((total - 1) * {step:d} / {SAMPLES - 1:d}e0) AS BIGINT)"
        for step in range(SAMPLES)
    )
    return f"""WITH lines AS (
  SELECT DISTINCT event, event_id, epoch, stage, conversation_id, stratum, arm, intent, turn,
    status, latency_ms, input_tokens, output_tokens, text, completed, csat
  FROM {table}
  WHERE {_span(window, since)} AND arm IS NOT NULL
),
told AS (
  SELECT conversation_id, MIN_BY(arm, epoch) AS drawn,
    MAX(CASE WHEN text IS NOT NULL THEN 1 ELSE 0 END) AS texted
  FROM lines
  GROUP BY conversation_id
  HAVING MAX(CASE WHEN event = 'turn' THEN 1 ELSE 0 END) = 1
),
best AS (
  SELECT conversation_id, drawn, texted, MAX(texted) OVER (PARTITION BY drawn) AS most
  FROM told
),
ranked AS (
  SELECT conversation_id, drawn,
    ROW_NUMBER() OVER (PARTITION BY drawn ORDER BY conversation_id) AS place,
    COUNT(*) OVER (PARTITION BY drawn) AS total
  FROM best
  WHERE texted = most
)
SELECT ranked.drawn, lines.conversation_id, lines.event, lines.stage, lines.stratum, lines.intent,
  lines.turn, lines.status, lines.latency_ms,
  COALESCE(lines.input_tokens, 0) + COALESCE(lines.output_tokens, 0) AS tokens,
  lines.text, lines.completed, lines.csat
FROM ranked
JOIN lines ON lines.conversation_id = ranked.conversation_id
WHERE ranked.place IN ({steps})
ORDER BY ranked.drawn, lines.conversation_id, lines.epoch"""  # noqa: S608 - no outside text enters


def _span(window: Window, since: float) -> str:
    """The release's raw events of [since, as_of], in the folders of those days' neighbours too."""
    first, last = date_of(since - DAY_SECONDS), date_of(window.as_of + DAY_SECONDS)
    return (
        f"\"date\" >= '{first}' AND \"date\" <= '{last}'"
        f" AND release_id = {quoted(window.release_id)}"
        f" AND epoch >= {since!r} AND epoch <= {window.as_of!r}"
    )
