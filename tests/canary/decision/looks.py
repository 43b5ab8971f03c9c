"""Facts and releases for the engine's tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from canary.decision.facts import Cell, Draws, Facts, LatencyTail, Moments
from canary.policy.compiled import CompiledPolicy
from canary.release.model import Phase, ReleaseState
from canary.routing.rates import rate
from tests.canary.samples import DAY, HOUR, policy, release


def binary(n: float, share: float) -> Moments:
    """`n` customers with one observation each, of which `share` are ones."""
    y = n * share
    return Moments(n, n, y, n, y, y)


def cells(
    per_intent: float,
    *,
    stage: int = 1,
    control: Mapping[str, float] | None = None,
    canary: Mapping[str, float] | None = None,
    changed: Mapping[str, Mapping[str, float]] | None = None,
    of: CompiledPolicy | None = None,
) -> tuple[Cell, ...]:
    """Every intent with `per_intent` customers, split by its rate; `changed` is by intent."""
    of = of or policy()
    healthy = {"error": 0.002, "completion": 0.78}
    found = []
    for intent in of.intents:
        p = rate(of, stage, intent.name)
        for arm, own, share in (("control", control, 1 - p), ("canary", canary, p)):
            rates = {**healthy, **(own or {})}
            if arm == "canary":
                rates |= (changed or {}).get(intent.name, {})
            measures = {name: binary(per_intent * share, value) for name, value in rates.items()}
            found.append(Cell(intent.name, p, stage, arm, measures))
    return tuple(found)


def facts(as_of: float, data: tuple[Cell, ...] = (), **changes: Any) -> Facts:
    """The same cells for the release and for its present block; no alarm is raised."""
    return replace(Facts(as_of=as_of, cells=data, block_cells=data), **changes)


def at_stage(stage: int, **changes: Any) -> ReleaseState:
    """A release that came to `stage` at time 0, or at its third day for the last test stage."""
    start = 2 * DAY if stage == 3 else 0.0
    values: dict[str, Any] = {
        "phase": Phase.BAKING,
        "stage": stage,
        "stage_started_at": start,
        "block_started_at": start,
        "first_exposure_at": 0.0,
    }
    return release(changes.pop("of", None), **{**values, **changes})


__all__ = ["DAY", "HOUR", "Draws", "LatencyTail", "at_stage", "cells", "facts", "policy"]
