"""The SQL of the primary metric in parts: by weekday, inside closures, by a customer's days.

The same subset as the other queries of a look. Days are the region's own, so their first seconds
are worked out here and compared as numbers: the engines' time zone functions differ.
"""

from __future__ import annotations

from canary.aws.conversations_sql import Window, conversations
from canary.aws.facts_sql import cell_moments, unit_sums
from canary.policy.compiled import CompiledPolicy
from canary.release.calendar import closure_spans, local_midnights

__all__ = ["groups"]

_DAY = 86_400.0
_EARLY_DAYS, _LATE_DAYS = 2, 4
"""A customer's first two days, and those from the fifth on (A8)."""


def groups(table: str, window: Window, policy: CompiledPolicy, stage: int) -> str:
    """One row a cell of `stage` and part: `part`, `piece`, the cell's columns, six sums.

    `part` is `weekday` (pieces "0", Monday, to "6"), `calendar` ("inside" or "outside" a closure)
    or `exposure` ("early", "late", or "between", which no rule reads).
    """
    metric = policy.metric(policy.statistics.primary_metric)
    parts = {
        "weekday": _weekday(policy, window),
        "calendar": _calendar(policy, window),
        "exposure": f"CASE WHEN started < exposed + {_EARLY_DAYS * _DAY!r} THEN 'early' "
        f"WHEN started >= exposed + {_LATE_DAYS * _DAY!r} THEN 'late' ELSE 'between' END",
    }
    pieces = "\n  UNION ALL\n  ".join(
        f"SELECT '{name}' AS part, {piece} AS piece, staged.* FROM staged"  # noqa: S608
        for name, piece in parts.items()
    )
    return f"""{conversations(table, window)},
staged AS (
  SELECT * FROM (
    SELECT conversations.*, MIN(started) OVER (PARTITION BY unit_id) AS exposed
    FROM conversations
    WHERE started >= {window.since!r}
  ) AS seen
  WHERE stage = {stage:d}
),
pieces AS (
  {pieces}
),
units AS (
  SELECT part, piece, stratum, p_canary, stage, arm, unit_id,
    {unit_sums([metric], window)}
  FROM pieces
  GROUP BY part, piece, stratum, p_canary, stage, arm, unit_id
)
SELECT part, piece, stratum, p_canary, stage, arm,
  {cell_moments(1)}
FROM units
GROUP BY part, piece, stratum, p_canary, stage, arm
ORDER BY part, piece, stratum, p_canary, arm"""  # noqa: S608 - no outside text enters


def _weekday(policy: CompiledPolicy, window: Window) -> str:
    days = list(local_midnights(policy.timezone, window.since, window.as_of))
    cases = " ".join(
        f"WHEN started >= {start!r} THEN '{weekday}'" for start, weekday in reversed(days)
    )
    return f"CASE {cases} ELSE '{days[0][1]}' END"


def _calendar(policy: CompiledPolicy, window: Window) -> str:
    spans = closure_spans(policy.calendar, policy.timezone, window.since, window.as_of)
    if not spans:
        return "'outside'"
    inside = " OR ".join(f"(started >= {start!r} AND started < {end!r})" for start, end in spans)
    return f"CASE WHEN {inside} THEN 'inside' ELSE 'outside' END"
