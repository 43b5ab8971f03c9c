"""What a look knows, read from the events table, the detector's counters and the alarms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from canary.aws import facts_sql, groups_sql, intents_sql
from canary.aws.athena import Athena, Row
from canary.aws.conversations_sql import Window
from canary.aws.event_days import EventDays
from canary.aws.metrics import Metrics
from canary.decision.facts import Cell, Draws, Facts, IntentCell, LatencyTail, Moments
from canary.policy.compiled import CompiledPolicy, Metric
from canary.quality.counters import COUNTERS
from canary.release.model import ReleaseState

__all__ = ["COUNTED", "LATE_SECONDS", "FactStore", "cells_of"]

COUNTED = "*"
"""The stratum of what was counted without one: the detector's turns."""
LATE_SECONDS = 600.0
"""Older than this, the newest event says that the feed is behind."""


class FactStore:
    """Reads `Facts` for the looks of one release: days that are over from their sums."""

    def __init__(self, athena: Athena, metrics: Metrics, days: EventDays) -> None:
        self._athena = athena
        self._metrics = metrics
        self._days = days

    def read(
        self,
        state: ReleaseState,
        policy: CompiledPolicy,
        as_of: float,
        raised: Mapping[str, float],
    ) -> Facts:
        """Everything since the first exposure, and since the present block started.

        The feed is late when nothing newer than `LATE_SECONDS` is there, counted from the first
        exposure at the earliest: before it there was nothing to send.
        """
        first = state.first_exposure_at or state.admitted_at
        block = state.block_started_at or first
        whole = self._window(state, first, as_of)
        recent = replace(whole, since=block)
        metrics = facts_sql.measured(policy.metrics)
        table = self._athena.table
        queries = [
            facts_sql.cells(table, whole, metrics),
            facts_sql.cells(table, recent, metrics),
            facts_sql.latency(table, recent),
            facts_sql.draws(table, whole),
            intents_sql.later_intents(table, recent, [each.name for each in policy.intents]),
        ]
        if state.stage == len(policy.stages) - 2:
            queries.append(groups_sql.groups(table, whole, policy, state.stage))
        (
            all_rows,
            block_rows,
            tail_rows,
            draw_rows,
            intent_rows,
            *group_rows,
        ) = self._athena.run(queries)
        primary = policy.metric(policy.statistics.primary_metric)
        newest = max((_number(row["last_epoch"]) for row in all_rows), default=0.0)
        return Facts(
            as_of=as_of,
            cells=(*cells_of(all_rows, metrics), *self._counted(policy, state.stage, whole)),
            block_cells=(
                *cells_of(block_rows, metrics),
                *self._counted(policy, state.stage, recent),
            ),
            latency=_tails(tail_rows),
            draws=_draws(draw_rows),
            groups=_groups(group_rows[0], primary) if group_rows else {},
            later_intents=_later_intents(intent_rows, len(policy.intents)),
            raised=raised,
            late=max(newest, first) < as_of - LATE_SECONDS,
        )

    def cells(
        self, state: ReleaseState, policy: CompiledPolicy, since: float, as_of: float
    ) -> tuple[Cell, ...]:
        """The cells of one window, for a trigger."""
        window = self._window(state, since, as_of)
        metrics = facts_sql.measured(policy.metrics)
        (rows,) = self._athena.run([facts_sql.cells(self._athena.table, window, metrics)])
        return (*cells_of(rows, metrics), *self._counted(policy, state.stage, window))

    def draws(self, state: ReleaseState, as_of: float) -> tuple[Draws, ...]:
        """First draws of units since the release was admitted."""
        window = self._window(state, state.admitted_at, as_of)
        (rows,) = self._athena.run([facts_sql.draws(self._athena.table, window)])
        return _draws(rows)

    def _window(self, state: ReleaseState, since: float, as_of: float) -> Window:
        days = self._days.load(state.test_id)
        return Window(state.release_id, state.admitted_at, since, as_of, days)

    def _counted(self, policy: CompiledPolicy, stage: int, window: Window) -> Iterable[Cell]:
        """The detector's counters, each turn its own unit: they carry no customer."""
        detected = [
            metric
            for metric in policy.metrics
            if metric.source == "detector"
            and {metric.numerator, metric.denominator} <= set(COUNTERS)
        ]
        columns = {name for item in detected for name in (item.numerator, item.denominator)}
        sums = self._metrics.sums(
            sorted(COUNTERS[column] for column in columns), window.since, window.as_of
        )
        for arm in ("control", "canary"):
            measures = {}
            for metric in detected:
                n = sums[COUNTERS[metric.denominator]][arm]
                y = min(sums[COUNTERS[metric.numerator]][arm], n)
                if n > 0:
                    measures[metric.name] = Moments(n, n, y, n, y, y)
            if measures:
                p_canary = policy.stages[stage].rate
                yield Cell(COUNTED, p_canary, stage, arm, measures)


def cells_of(rows: Sequence[Row], metrics: Sequence[Metric]) -> Iterable[Cell]:
    """The cells of a query that answers with the columns of `facts_sql.cells`."""
    for row in rows:
        measures = {
            metric.name: Moments(
                *(_number(row[f"{name}{index}"]) for name in ("u", "sn", "sy", "snn", "sny", "syy"))
            )
            for index, metric in enumerate(metrics)
            if _number(row[f"sn{index}"]) > 0
        }
        yield Cell(
            stratum=row["stratum"] or "",
            p_canary=_number(row["p_canary"]),
            stage=int(_number(row["stage"])),
            arm=row["arm"] or "",
            measures=measures,
        )


def _groups(rows: Sequence[Row], primary: Metric) -> dict[str, dict[str, tuple[Cell, ...]]]:
    pieces: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        part, piece = row["part"] or "", row["piece"] or ""
        pieces.setdefault(part, {}).setdefault(piece, []).append(row)
    return {
        part: {piece: tuple(cells_of(own, (primary,))) for piece, own in by_piece.items()}
        for part, by_piece in pieces.items()
    }


def _tails(rows: Sequence[Row]) -> dict[str, LatencyTail]:
    slowest: dict[str, list[float]] = {}
    totals: dict[str, int] = {}
    for row in rows:
        arm = row["arm"] or ""
        slowest.setdefault(arm, []).append(_number(row["slowest_ms"]))
        totals[arm] = int(_number(row["total"]))
    return {arm: LatencyTail(totals[arm], tuple(values)) for arm, values in slowest.items()}


def _draws(rows: Sequence[Row]) -> tuple[Draws, ...]:
    return tuple(
        Draws(
            stage=int(_number(row["stage"])),
            p_canary=_number(row["p_canary"]),
            control=int(_number(row["control"])),
            canary=int(_number(row["canary"])),
        )
        for row in rows
    )


def _later_intents(rows: Sequence[Row], count: int) -> tuple[IntentCell, ...]:
    return tuple(
        IntentCell(
            stratum=row["stratum"] or "",
            p_canary=_number(row["p_canary"]),
            arm=row["arm"] or "",
            units=_number(row["units"]),
            n=_number(row["sn"]),
            nn=_number(row["snn"]),
            y=tuple(_number(row[f"sy{i}"]) for i in range(count)),
            ny=tuple(_number(row[f"sny{i}"]) for i in range(count)),
            yy=tuple(
                tuple(_number(row[f"syy{i}_{j}"]) for j in range(i, count)) for i in range(count)
            ),
        )
        for row in rows
    )


def _number(text: str | None) -> float:
    return float(text) if text else 0.0
