"""What a report needs of the events besides the looks, read as of its last look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from canary.aws import report_sql
from canary.aws.athena import Athena, Row
from canary.aws.conversations_sql import Window
from canary.aws.event_days import EventDays
from canary.aws.facts import cells_of
from canary.policy.compiled import CompiledPolicy
from canary.release.model import ReleaseState
from canary.report.evidence import Conduct, Evidence, Sample, Spread, Turn

__all__ = ["EvidenceStore"]

_COUNTS = (
    *("customers", "conversations", "turns", "error", "fallback", "refused", "reassigned"),
    "excluded_by_source",
)


class EvidenceStore:
    """Reads `Evidence` for the report of one release: days that are over from their sums."""

    def __init__(self, athena: Athena, days: EventDays) -> None:
        self._athena = athena
        self._days = days

    def read(self, state: ReleaseState, policy: CompiledPolicy, as_of: float) -> Evidence:
        """Everything since the first exposure, up to `as_of`. Raises `QueryError`."""
        first = state.first_exposure_at
        since = state.admitted_at if first is None else first
        days = self._days.load(state.test_id)
        window = Window(state.release_id, state.admitted_at, since, as_of, days)
        metric = policy.metric(policy.statistics.primary_metric)
        table = self._athena.table
        spread_rows, conduct_rows, undrawn, cells, kept, sample_rows = self._athena.run(
            [
                report_sql.spreads(table, window),
                report_sql.conduct(table, window),
                report_sql.undrawn(table, window),
                report_sql.primary_cells(table, window, metric, kept_by_source=False),
                report_sql.primary_cells(table, window, metric, kept_by_source=True),
                report_sql.samples(table, window),
            ]
        )
        return Evidence(
            as_of=as_of,
            latency_ms=_spreads(spread_rows, "latency_ms"),
            tokens=_spreads(spread_rows, "tokens"),
            conduct={
                row["arm"] or "": Conduct(**{name: _whole(row[name]) for name in _COUNTS})
                for row in conduct_rows
            },
            undrawn=_whole(undrawn[0]["conversations"]),
            cells=tuple(cells_of(cells, (metric,))),
            kept_by_source=tuple(cells_of(kept, (metric,))),
            samples=tuple(_samples(sample_rows)),
        )


def _spreads(rows: Sequence[Row], what: str) -> Mapping[str, Spread]:
    values: dict[str, dict[int, float]] = {}
    totals: dict[str, int] = {}
    for row in rows:
        if row["what"] == what:
            arm = row["arm"] or ""
            values.setdefault(arm, {})[_whole(row["thousandth"])] = float(row["amount"] or 0)
            totals[arm] = _whole(row["total"])
    return {arm: Spread(totals[arm], quantiles) for arm, quantiles in values.items()}


def _samples(rows: Sequence[Row]) -> Iterable[Sample]:
    by_conversation: dict[str, list[Row]] = {}
    for row in rows:
        by_conversation.setdefault(row["conversation_id"] or "", []).append(row)
    for conversation_id, lines in by_conversation.items():
        outcomes = [line for line in lines if line["event"] == "outcome"]
        csat = next((line["csat"] for line in outcomes if line["csat"]), None)
        yield Sample(
            conversation_id=conversation_id,
            arm=lines[0]["drawn"] or "",
            stratum=lines[0]["stratum"] or "",
            stage=_whole(lines[0]["stage"]),
            turns=tuple(_turn(line) for line in lines if line["event"] == "turn"),
            completed=any(line["completed"] == "true" for line in outcomes) if outcomes else None,
            csat=_whole(csat) if csat else None,
        )


def _turn(row: Row) -> Turn:
    return Turn(
        number=_whole(row["turn"]),
        intent=row["intent"] or "",
        status=row["status"] or "",
        latency_ms=float(row["latency_ms"]) if row["latency_ms"] else None,
        tokens=_whole(row["tokens"]),
        text=row["text"],
    )


def _whole(text: str | None) -> int:
    return int(float(text)) if text else 0
