"""Crowds of customers in a table of events that stands in for Athena."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from canary.aws.athena import Athena, Row
from tests.canary.aws.events import Events


def behind_athena(monkeypatch: pytest.MonkeyPatch) -> Events:
    """A table that DuckDB queries with the SQL of the adapters."""
    table = Events()

    def run(_self: Athena, queries: Sequence[str]) -> list[list[Row]]:
        return [
            [
                {name: None if value is None else str(value) for name, value in row.items()}
                for row in table.rows(query)
            ]
            for query in queries
        ]

    monkeypatch.setattr(Athena, "run", run)
    return table


def crowd(
    events: Events,
    at: float,
    arm: str,
    *,
    completed: int,
    count: int,
    stratum: str = "recommendation",
    stage: int = 1,
    p_canary: float = 0.5,
    every: float = 0.0,
) -> None:
    """`count` customers with one turn and one outcome each, `every` seconds apart, from `at` on.

    The first `completed` of every hundred complete what they came for.
    """
    name = f"'{arm}-{stratum}-{stage}-{at:.0f}-' || i"
    columns = (
        '"date", release_id, epoch, conversation_id, unit_id, stratum, intent, stage, arm, p_canary'
    )
    common = (
        f"'2023-11-14', 'r-1', {at!r} + i * {every!r}, {name}, {name}, "
        f"'{stratum}', '{stratum}', {stage}, '{arm}', {p_canary!r}"
    )
    for event, more, values in (
        ("turn", "first_of_unit, error, latency_ms", f"TRUE, FALSE, 900.0 + i / {3 * count}.0"),
        ("outcome", "completed", f"i % 100 < {completed}"),
    ):
        events.connection.execute(
            f"INSERT INTO events (event, event_id, {columns}, {more}) "
            f"SELECT '{event}', '{event}-' || {name}, {common}, {values} FROM range({count}) r(i)"
        )
