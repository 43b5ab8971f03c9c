"""The SQL of a look: moments per unit, latency tails, draws.

Written in the subset that Athena's engine and DuckDB share, so that a real region and the embedded
one execute the same text. Every value in it is a number, a date or a quoted literal of ours.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from canary.policy.compiled import Metric

__all__ = ["OUTCOME_COLUMNS", "TURN_COLUMNS", "Window", "cells", "draws", "latency", "measured"]

TURN_COLUMNS = frozenset(
    {
        "turns",
        "conversations",
        "error",
        "slow",
        "throttled",
        "fallback",
        "refused",
        "escalated",
        "reassigned",
        "tokens",
    }
)
OUTCOME_COLUMNS = frozenset(
    {"completed", "surveys", "csat", "offers", "clicked", "carts", "cart_abandoned"}
)
TAIL_SHARE = 0.03
TAIL_LEAST = 50
_DAY = 86_400.0


@dataclass(frozen=True)
class Window:
    """Conversations of one release that started in [since, as_of], epoch seconds."""

    release_id: str
    released_at: float
    since: float
    as_of: float


def measured(metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """The metrics that the events can answer as moments.

    A metric whose columns no line carries is left out: it has no data, so its verdict stays open.
    """
    known = TURN_COLUMNS | OUTCOME_COLUMNS | {"outcomes"}
    return tuple(
        metric
        for metric in metrics
        if metric.source in ("turns", "outcomes")
        and metric.measure != "quantile"
        and {metric.numerator, metric.denominator} <= known
    )


def cells(table: str, window: Window, metrics: Sequence[Metric]) -> str:
    """One row a cell: stratum, p_canary, stage, arm, last_epoch, then six sums for each metric."""
    per_unit = ",\n    ".join(
        f"{_sum(metric, metric.denominator, window)} AS n{index}, "
        f"{_sum(metric, metric.numerator, window)} AS y{index}"
        for index, metric in enumerate(metrics)
    )
    per_cell = ",\n  ".join(
        f"COUNT(CASE WHEN n{i} > 0 THEN 1 END) AS u{i}, SUM(n{i}) AS sn{i}, SUM(y{i}) AS sy{i}, "
        f"SUM(n{i} * n{i}) AS snn{i}, SUM(n{i} * y{i}) AS sny{i}, SUM(y{i} * y{i}) AS syy{i}"
        for i in range(len(metrics))
    )
    return f"""{_conversations(table, window)},
units AS (
  SELECT stratum, p_canary, stage, arm, unit_id, MAX(last_epoch) AS last_epoch,
    {per_unit}
  FROM conversations
  WHERE started >= {window.since!r}
  GROUP BY stratum, p_canary, stage, arm, unit_id
)
SELECT stratum, p_canary, stage, arm, MAX(last_epoch) AS last_epoch,
  {per_cell}
FROM units
GROUP BY stratum, p_canary, stage, arm
ORDER BY stage, stratum, p_canary, arm"""  # noqa: S608 - no outside text enters


def latency(table: str, window: Window) -> str:
    """The slowest conversations of each arm by their slowest turn: arm, total, slowest_ms."""
    return f"""{_conversations(table, window)},
ranked AS (
  SELECT arm, slowest_ms,
    ROW_NUMBER() OVER (PARTITION BY arm ORDER BY slowest_ms DESC, conversation_id) AS place,
    COUNT(*) OVER (PARTITION BY arm) AS total
  FROM conversations
  WHERE started >= {window.since!r} AND slowest_ms IS NOT NULL
)
SELECT arm, total, slowest_ms
FROM ranked
WHERE place <= {TAIL_LEAST} + {TAIL_SHARE} * total
ORDER BY arm, place"""  # noqa: S608 - no outside text enters


def draws(table: str, window: Window) -> str:
    """First draws of units: stage, p_canary, control, canary."""
    return f"""{_lines(table, window)},
first_draws AS (
  SELECT unit_id, MIN(stage) AS stage, MIN_BY(p_canary, epoch) AS p_canary,
    MIN_BY(arm, epoch) AS arm
  FROM lines
  WHERE event = 'turn' AND first_of_unit
  GROUP BY unit_id
)
SELECT stage, p_canary,
  SUM(CASE WHEN arm = 'control' THEN 1 ELSE 0 END) AS control,
  SUM(CASE WHEN arm = 'canary' THEN 1 ELSE 0 END) AS canary
FROM first_draws
GROUP BY stage, p_canary
ORDER BY stage, p_canary"""  # noqa: S608 - no outside text enters


def _lines(table: str, window: Window) -> str:
    """The release's events, each once: the feed delivers at least once."""
    release_id = window.release_id.replace("'", "''")
    return f"""WITH lines AS (
  SELECT DISTINCT event, event_id, epoch, stage, conversation_id, unit_id, stratum, arm, p_canary,
    first_of_unit, error, throttled, fallback, slow, latency_ms, input_tokens, output_tokens,
    reassigned_reason, status, intent, completed, csat, clicked, cart_abandoned
  FROM {table}
  WHERE "date" >= '{_date(window.released_at)}' AND "date" <= '{_date(window.as_of + _DAY)}'
    AND release_id = '{release_id}' AND arm IS NOT NULL AND epoch <= {window.as_of!r}
)"""  # noqa: S608 - the one literal is quoted


def _conversations(table: str, window: Window) -> str:
    """One row a conversation, by the arm drawn for it, whatever served it."""
    return f"""{_lines(table, window)},
conversations AS (
  SELECT conversation_id,
    MIN_BY(unit_id, epoch) AS unit_id,
    MIN_BY(stratum, epoch) AS stratum,
    MIN_BY(p_canary, epoch) AS p_canary,
    MIN_BY(stage, epoch) AS stage,
    MIN_BY(arm, epoch) AS arm,
    MIN(CASE WHEN event = 'turn' THEN epoch END) AS started,
    MIN(CASE WHEN event = 'outcome' THEN epoch END) AS resolved,
    MAX(epoch) AS last_epoch,
    MAX(CASE WHEN event = 'turn' THEN latency_ms END) AS slowest_ms,
    1 AS conversations,
    1 AS outcomes,
    {_count("event = 'turn'")} AS turns,
    {_count("event = 'turn' AND error")} AS error,
    {_count("event = 'turn' AND slow")} AS slow,
    {_count("event = 'turn' AND throttled")} AS throttled,
    {_count("event = 'turn' AND fallback")} AS fallback,
    {_count("event = 'turn' AND status = 'refused'")} AS refused,
    {_any("event = 'turn' AND intent = 'escalation'")} AS escalated,
    {_any("reassigned_reason IS NOT NULL")} AS reassigned,
    SUM(COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0)) AS tokens,
    {_any("completed")} AS completed,
    {_any("csat IS NOT NULL")} AS surveys,
    MAX(COALESCE(csat, 0)) AS csat,
    {_any("clicked IS NOT NULL")} AS offers,
    {_any("clicked")} AS clicked,
    {_any("cart_abandoned IS NOT NULL")} AS carts,
    {_any("cart_abandoned")} AS cart_abandoned
  FROM lines
  GROUP BY conversation_id
)"""  # noqa: S608 - no outside text enters


def _sum(metric: Metric, column: str, window: Window) -> str:
    """A unit's sum of a column over the conversations old enough for the metric."""
    wait = float(metric.outcome_window_seconds)
    when = f"started <= {window.as_of - wait!r}"
    if column in OUTCOME_COLUMNS and wait > 0:
        when += f" AND resolved <= started + {wait!r}"
    return f"SUM(CASE WHEN {when} THEN CAST({column} AS DOUBLE) ELSE 0 END)"


def _count(condition: str) -> str:
    return f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END)"


def _any(condition: str) -> str:
    return f"MAX(CASE WHEN {condition} THEN 1 ELSE 0 END)"


def _date(epoch: float) -> str:
    return dt.datetime.fromtimestamp(epoch, tz=dt.UTC).date().isoformat()
