"""The SQL of a look: moments per unit, latency tails, draws.

Written in the subset that Athena's engine and DuckDB share, so that a real region and the embedded
one execute the same text. Every value in it is a number, a date or a quoted literal of ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from canary.aws.conversations_sql import Window, conversations
from canary.policy.compiled import Metric

__all__ = [
    "OUTCOME_COLUMNS",
    "TURN_COLUMNS",
    "Window",
    "cell_moments",
    "cells",
    "draws",
    "latency",
    "measured",
    "unit_sums",
]

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
        "cache_hit",
    }
)
OUTCOME_COLUMNS = frozenset(
    {"completed", "surveys", "csat", "offers", "clicked", "carts", "cart_abandoned"}
)
TAIL_SHARE = 0.03
TAIL_LEAST = 50


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
    return f"""{conversations(table, window)},
units AS (
  SELECT stratum, p_canary, stage, arm, unit_id, MAX(last_epoch) AS last_epoch,
    {unit_sums(metrics, window)}
  FROM conversations
  WHERE started >= {window.since!r}
  GROUP BY stratum, p_canary, stage, arm, unit_id
)
SELECT stratum, p_canary, stage, arm, MAX(last_epoch) AS last_epoch,
  {cell_moments(len(metrics))}
FROM units
GROUP BY stratum, p_canary, stage, arm
ORDER BY stage, stratum, p_canary, arm"""  # noqa: S608 - no outside text enters


def unit_sums(metrics: Sequence[Metric], window: Window) -> str:
    """Each metric's denominator and numerator of one unit, as columns n0, y0, n1, y1 and so on."""
    return ",\n    ".join(
        f"{_sum(metric, metric.denominator, window)} AS n{index}, "
        f"{_sum(metric, metric.numerator, window)} AS y{index}"
        for index, metric in enumerate(metrics)
    )


def cell_moments(count: int) -> str:
    """Six sums over units for each of `count` metrics: u, sn, sy, snn, sny, syy with its index."""
    return ",\n  ".join(
        f"COUNT(CASE WHEN n{i} > 0 THEN 1 END) AS u{i}, SUM(n{i}) AS sn{i}, SUM(y{i}) AS sy{i}, "
        f"SUM(n{i} * n{i}) AS snn{i}, SUM(n{i} * y{i}) AS sny{i}, SUM(y{i} * y{i}) AS syy{i}"
        for i in range(count)
    )


def latency(table: str, window: Window) -> str:
    """The slowest conversations of each arm by their slowest turn: arm, total, slowest_ms."""
    return f"""{conversations(table, window)},
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
    return f"""{conversations(table, window)},
first_draws AS (
  SELECT drawn_unit, MIN(drawn_stage) AS stage, MIN_BY(drawn_p, drawn_at) AS p_canary,
    MIN_BY(drawn_arm, drawn_at) AS arm
  FROM conversations
  WHERE drawn_at IS NOT NULL
  GROUP BY drawn_unit
)
SELECT stage, p_canary,
  SUM(CASE WHEN arm = 'control' THEN 1 ELSE 0 END) AS control,
  SUM(CASE WHEN arm = 'canary' THEN 1 ELSE 0 END) AS canary
FROM first_draws
GROUP BY stage, p_canary
ORDER BY stage, p_canary"""  # noqa: S608 - no outside text enters


def _sum(metric: Metric, column: str, window: Window) -> str:
    """A unit's sum of a column over the conversations old enough for the metric."""
    wait = float(metric.outcome_window_seconds)
    when = f"started <= {window.as_of - wait!r}"
    if column in OUTCOME_COLUMNS and wait > 0:
        when += f" AND resolved <= started + {wait!r}"
    return f"SUM(CASE WHEN {when} THEN CAST({column} AS DOUBLE) ELSE 0 END)"
