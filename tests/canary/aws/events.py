"""A table of events, filled by hand and queried with DuckDB."""

from __future__ import annotations

import duckdb

from canary.aws.conversations_sql import PART_COLUMNS

HOUR = 3600.0
NOW = 1_700_000_000.0
COLUMNS = {
    "event": "VARCHAR",
    "event_id": "VARCHAR",
    "epoch": "DOUBLE",
    "date": "VARCHAR",
    "release_id": "VARCHAR",
    "test_id": "VARCHAR",
    "stage": "INTEGER",
    "conversation_id": "VARCHAR",
    "unit_id": "VARCHAR",
    "stratum": "VARCHAR",
    "intent": "VARCHAR",
    "arm": "VARCHAR",
    "p_canary": "DOUBLE",
    "first_of_unit": "BOOLEAN",
    "status": "VARCHAR",
    "error": "BOOLEAN",
    "throttled": "BOOLEAN",
    "fallback": "BOOLEAN",
    "slow": "BOOLEAN",
    "latency_ms": "DOUBLE",
    "input_tokens": "INTEGER",
    "output_tokens": "INTEGER",
    "cache_hit": "BOOLEAN",
    "reassigned_reason": "VARCHAR",
    "completed": "BOOLEAN",
    "csat": "INTEGER",
    "clicked": "BOOLEAN",
    "cart_abandoned": "BOOLEAN",
    "escalated": "BOOLEAN",
    "turn": "INTEGER",
    "question": "VARCHAR",
    "text": "VARCHAR",
}
DAY_TYPES = dict.fromkeys(
    ("conversation_id", "unit_id", "stratum", "arm", "drawn_unit", "drawn_arm"), "VARCHAR"
)


class Events:
    """A table of events, filled line by line."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        self.connection.execute(f"CREATE TABLE events ({columns})")
        self._count = 0
        days = ", ".join(f'"{name}" {DAY_TYPES.get(name, "DOUBLE")}' for name in PART_COLUMNS)
        self.connection.execute(
            f'CREATE TABLE event_days ({days}, attempt VARCHAR, test_id VARCHAR, "date" VARCHAR)'
        )

    def add(self, event: str, conversation: str, unit: str, arm: str | None, **more: object) -> str:
        self._count += 1
        line: dict[str, object] = {
            "event": event,
            "event_id": f"e{self._count}",
            "epoch": NOW - 10 * HOUR,
            "date": "2023-11-14",
            "release_id": "r-1",
            "stage": 1,
            "conversation_id": conversation,
            "unit_id": unit,
            "stratum": "faq",
            "arm": arm,
            "p_canary": 0.25,
            "error": False if event == "turn" else None,
        } | more
        names = ", ".join(f'"{name}"' for name in line)
        marks = ", ".join("?" for _ in line)
        self.connection.execute(
            f"INSERT INTO events ({names}) VALUES ({marks})", list(line.values())
        )
        return str(line["event_id"])

    def rows(self, sql: str) -> list[dict[str, object]]:
        cursor = self.connection.execute(sql)
        names = [item[0] for item in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
