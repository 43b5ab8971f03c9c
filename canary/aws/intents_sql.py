"""The SQL of what customers ask for after their first message, by arm.

The same subset as the other queries of a look. It reads raw lines of at most one day: the mix of
intents is observed, not decided upon, and a day of it is plenty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from canary.aws.conversations_sql import DAY_SECONDS, Window, lines, quoted

__all__ = ["later_intents"]


def later_intents(table: str, window: Window, intents: Sequence[str]) -> str:
    """One row a stratum, probability and arm: sums over customers for each of `intents`.

    `units` customers with `sn` later messages (`snn` their squares); for intent i `sy{i}` of those
    messages, `sny{i}` times a customer's n, and `syy{i}_{j}` the products of two intents.
    """
    recent = replace(window, since=max(window.since, window.as_of - DAY_SECONDS))
    counts = ",\n    ".join(
        f"SUM(CASE WHEN intent = {quoted(name)} THEN 1 ELSE 0 END) AS y{index}"
        for index, name in enumerate(intents)
    )
    sums = ",\n  ".join(
        f"SUM(y{i}) AS sy{i}, SUM(n * y{i}) AS sny{i}, "
        + ", ".join(f"SUM(y{i} * y{j}) AS syy{i}_{j}" for j in range(i, len(intents)))
        for i in range(len(intents))
    )
    epochs = f"epoch >= {recent.since!r} AND epoch <= {recent.as_of!r}"
    return f"""WITH {lines(table, window.release_id, (recent.since, recent.as_of), epochs)},
units AS (
  SELECT stratum, p_canary, arm, unit_id, COUNT(*) AS n,
    {counts}
  FROM lines
  WHERE event = 'turn' AND NOT COALESCE(first_of_unit, FALSE)
  GROUP BY stratum, p_canary, arm, unit_id
)
SELECT stratum, p_canary, arm, COUNT(*) AS units, SUM(n) AS sn, SUM(n * n) AS snn,
  {sums}
FROM units
GROUP BY stratum, p_canary, arm
ORDER BY stratum, p_canary, arm"""  # noqa: S608 - literals are quoted
