"""Releases with their looks, as the engine decides them on made-up customers, for the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from canary.decision.engine import evaluate
from canary.decision.facts import Cell, Draws, Facts, LatencyTail
from canary.decision.outcome import look_taken
from canary.decision.record import LookRecord
from canary.policy.compiled import CompiledPolicy
from canary.release.machine import decide
from canary.release.model import ReleaseState
from canary.report.evidence import Conduct, Evidence, Sample, Spread, Turn
from tests.canary.decision.looks import DAY, HOUR, at_stage, cells, policy

BEGAN = {1: 0.0, 2: 1.0 * DAY, 3: 2.0 * DAY}
"""When each stage of the scene's release began."""
AT = {
    1: (1 * HOUR, 4 * HOUR),
    2: (25 * HOUR, 48 * HOUR),
    3: (2.1 * DAY, 4 * DAY, 7 * DAY, 10 * DAY, 14 * DAY),
}
"""When the looks are taken at each stage."""
DAILY = 4_000
"""Customers an intent and day."""


def story(
    *,
    canary: float = 0.80,
    changed: Mapping[str, Mapping[str, float]] | None = None,
    until: float = 14 * DAY,
) -> tuple[ReleaseState, tuple[LookRecord, ...]]:
    """A release whose canary completes at that rate, with every look up to `until` seconds."""
    of = policy()
    records: list[LookRecord] = []
    state = at_stage(1)
    for stage, moments in AT.items():
        kept = {name: getattr(state, name) for name in ("looks_done", "look_information")}
        state = at_stage(
            stage, stage_started_at=BEGAN[stage], block_started_at=BEGAN[stage], **kept
        )
        for at in moments:
            if at > until:
                return state, tuple(records)
            facts = known(of, stage, at, canary, changed)
            decision = evaluate(of, state, facts, asked_stage=stage)
            records.append(LookRecord(state, facts, stage, decision.to_exact_dict()))
            state, _ = decide(state, look_taken(decision))
            if decision.kind in ("REJECT", "ROLLBACK"):
                return replace(state, revoked=True, cause=decision.cause), tuple(records)
    return state, tuple(records)


def known(
    of: CompiledPolicy,
    stage: int,
    at: float,
    canary: float,
    changed: Mapping[str, Mapping[str, float]] | None,
) -> Facts:
    """What a look at `at` reads: every stage so far, the present one as its block."""
    parts: list[tuple[Cell, ...]] = []
    draws: list[Draws] = []
    for own in range(1, stage + 1):
        end = at if own == stage else BEGAN[own + 1]
        customers = DAILY * max(0.0, end - BEGAN[own]) / DAY
        parts.append(
            cells(customers, stage=own, canary={"completion": canary}, changed=changed, of=of)
        )
        for rate in sorted({cell.p_canary for cell in parts[-1]}):
            strata = {cell.stratum for cell in parts[-1] if cell.p_canary == rate}
            n = customers * len(strata)
            draws.append(Draws(own, rate, round(n * (1 - rate)), round(n * rate)))
    last = parts[-1]
    groups = {}
    if stage == 3:
        groups = {
            "weekday": {str(day): last for day in range(7)},
            "calendar": {"outside": last},
            "exposure": {"early": last, "late": last},
        }
    tail = tuple(4000.0 - 2 * rank for rank in range(200))
    return Facts(
        as_of=at,
        cells=tuple(cell for part in parts for cell in part),
        block_cells=last,
        latency={arm: LatencyTail(5000, tail) for arm in ("control", "canary")},
        draws=tuple(draws),
        groups=groups,
    )


def evidence(at: float = 14 * DAY, **changes: Any) -> Evidence:
    """Both arms alike, with one conversation of each."""
    steps = {10 * place: 100.0 * place for place in range(1, 100)} | {950: 9500.0}
    spread = Spread(2000, dict(sorted(steps.items())))
    arms = ("control", "canary")
    last = cells(2000, stage=3, canary={"completion": 0.80})
    values: dict[str, Any] = {
        "latency_ms": dict.fromkeys(arms, spread),
        "tokens": dict.fromkeys(arms, spread),
        "conduct": {arm: Conduct(1000, 2000, 5000, 10, 12, 3, 4, 4) for arm in arms},
        "undrawn": 17,
        "cells": last,
        "kept_by_source": last,
        "samples": tuple(
            Sample(
                f"conversation-{arm}",
                arm,
                "faq",
                3,
                (Turn(1, "faq", "ok", 812.5, 240, "Write to ann@example.com or 090-1234-5678."),),
                True,
                4,
            )
            for arm in arms
        ),
    }
    return Evidence(as_of=at, **{**values, **changes})
