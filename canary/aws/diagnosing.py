"""A rollback's diagnosis from what its region has stored: record, rollback, events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from canary.aws import diagnosis_sql
from canary.aws.athena import Athena, QueryError, Row
from canary.aws.rollbacks import RollbackRecord, Rollbacks
from canary.release.model import ReleaseState
from canary.report.diagnosis import BadTurn, Endings, diagnosis_document

__all__ = ["Diagnoser"]


@dataclass(frozen=True)
class Diagnoser:
    """Makes a diagnosis' document; it writes nothing."""

    athena: Athena
    rollbacks: Rollbacks

    def document(self, state: ReleaseState) -> dict[str, Any] | None:
        """The diagnosis as of now; None for a release that was not rolled back.

        Events that cannot be read are said to be missing in it, and on standard output why.
        """
        rollback = self.rollbacks.find(state.release_id)
        if rollback is None:
            return None
        endings: list[Endings] | None = None
        turns: list[BadTurn] | None = None
        try:
            endings, turns = self._events(state.test_id, _shifted_at(rollback))
        except (BotoCoreError, ClientError, QueryError) as error:
            print(f"diagnosis of {state.release_id} without its events: {error}")  # noqa: T201 - the log
        return diagnosis_document(
            state, rollback.fields | {"sk": rollback.opened_at}, endings=endings, turns=turns
        )

    def _events(self, test_id: str, shifted_at: float) -> tuple[list[Endings], list[BadTurn]]:
        table = self.athena.table
        counted, told = self.athena.run(
            [
                diagnosis_sql.counts(table, test_id, shifted_at),
                diagnosis_sql.turns(table, test_id, shifted_at),
            ]
        )
        return [_endings(row) for row in counted], _turns(told)


def _shifted_at(rollback: RollbackRecord) -> float:
    """When traffic went back; a rollback whose shift failed is cut where it was opened."""
    text = str(rollback.fields.get("shifted_at") or rollback.opened_at)
    return dt.datetime.fromisoformat(text).timestamp()


def _endings(row: Row) -> Endings:
    whole = {
        name: int(float(row[name] or 0))
        for name in ("turns", "error", "throttled", "slow", "fallback")
    }
    return Endings(row["moment"] or "", row["arm"] or "", row["intent"] or "", **whole)


def _turns(rows: Sequence[Row]) -> list[BadTurn]:
    flags = ("error", "throttled", "slow", "fallback")
    return [
        BadTurn(
            epoch=float(row["epoch"] or 0),
            arm=row["arm"] or "",
            conversation_id=row["conversation_id"] or "",
            turn=int(float(row["turn"] or 0)),
            intent=row["intent"] or "",
            status=row["status"] or "",
            latency_ms=float(row["latency_ms"]) if row["latency_ms"] else None,
            question=row["question"],
            text=row["text"],
            **{name: (row[name] or "").lower() == "true" for name in flags},
        )
        for row in rows
    ]
