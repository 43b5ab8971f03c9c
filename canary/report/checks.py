"""The checks beside the gates: the arms' sizes over the ramp, weekdays, promotions, novelty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canary.decision.effects import effect_in
from canary.decision.facts import Cell, Draws
from canary.decision.record import LookRecord
from canary.decision.temporal import interactions, novelty
from canary.policy.compiled import CompiledPolicy
from canary.release.model import ReleaseState
from canary.report.course import first_exposure
from canary.report.effects import effect_unit, known, simple_effect
from canary.routing.rates import asked_share
from canary.statistics.sample_ratio import ramp_mismatch
from canary.statistics.srm import mismatch_p_value

__all__ = ["by_time", "ramp", "sample_ratio"]

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CALENDAR = {"inside": "inside a promotion", "outside": "outside"}
_EXPOSURE = {"early": "a customer's first two days", "late": "from the fifth day on"}


def ramp(
    policy: CompiledPolicy, state: ReleaseState, records: Sequence[LookRecord]
) -> dict[str, Any]:
    """Shares asked for and observed, by stage and as they came."""
    draws = records[-1].facts.draws if records else ()
    began: dict[int, float | None] = {}
    for record in records:
        began.setdefault(record.state.stage, record.state.stage_started_at)
    if state.stage > 0:
        began.setdefault(state.stage, state.stage_started_at)
    stages = []
    for stage in policy.stages:
        control, canary = _counted(draws, stage.index)
        stages.append(
            {
                "stage": stage.index,
                "rate": stage.rate,
                "asked": asked_share(policy, stage.index),
                "observed": canary / (control + canary) if control + canary else None,
                "control": control,
                "canary": canary,
                "began": began.get(stage.index),
                "min_seconds": stage.min_seconds,
                "max_seconds": stage.max_seconds,
            }
        )
    return {"stages": stages, "course": _course(policy, records)}


def sample_ratio(policy: CompiledPolicy, records: Sequence[LookRecord]) -> dict[str, Any]:
    """First draws of customers against the probabilities they were drawn with."""
    draws = records[-1].facts.draws if records else ()
    limit = policy.statistics.srm_alpha
    p = mismatch_p_value((d.p_canary, d.control, d.canary) for d in draws) if draws else None
    chance = [d for d in draws if 0 < d.p_canary < 1 and d.control + d.canary > 0]
    once = None
    if chance:
        once = ramp_mismatch(
            [d.p_canary for d in chance],
            [d.control for d in chance],
            [d.canary for d in chance],
            threshold=limit,
        )
    return {
        "p": p,
        "alpha": limit,
        "mismatch": p is not None and p < limit,
        "p_once": float(once.p_value) if once else None,
        "draws": [
            {
                "stage": d.stage,
                "p_canary": d.p_canary,
                "control": d.control,
                "canary": d.canary,
                "expected_canary": d.p_canary * (d.control + d.canary),
                "observed": d.canary / (d.control + d.canary) if d.control + d.canary else None,
            }
            for d in draws
        ],
    }


def by_time(policy: CompiledPolicy, records: Sequence[LookRecord]) -> dict[str, Any]:
    """The primary effect at the last test stage by weekday, promotion and a customer's days."""
    groups = next((r.facts.groups for r in reversed(records) if r.facts.groups), {})
    weekday = groups.get("weekday", {})
    return {
        "unit": effect_unit(policy.metric(policy.statistics.primary_metric)),
        "alpha": policy.checks.weekday_alpha,
        "weekdays": _effects(policy, weekday, dict(zip("0123456", _WEEKDAYS, strict=True))),
        "weekday_tests": _tests(policy, weekday),
        "promotions": _effects(policy, groups.get("calendar", {}), _CALENDAR),
        "promotion_tests": _tests(policy, groups.get("calendar", {})),
        "exposure": _effects(policy, groups.get("exposure", {}), _EXPOSURE),
        "novelty": _novelty(policy, groups.get("exposure", {})),
    }


def _counted(draws: Sequence[Draws], stage: int) -> tuple[int, int]:
    own = [each for each in draws if each.stage == stage]
    return sum(each.control for each in own), sum(each.canary for each in own)


def _course(policy: CompiledPolicy, records: Sequence[LookRecord]) -> list[dict[str, Any]]:
    """The observed share of all draws at the stage then in force, look by look."""
    start = first_exposure(records)
    points = []
    for record in records:
        control, canary = _counted(record.facts.draws, record.state.stage)
        if start is None or not control + canary:
            continue
        points.append(
            {
                "days": (record.facts.as_of - start) / 86_400.0,
                "stage": record.state.stage,
                "asked": asked_share(policy, record.state.stage),
                "observed": canary / (control + canary),
            }
        )
    return points


def _effects(
    policy: CompiledPolicy, pieces: Mapping[str, Sequence[Cell]], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    metric = policy.metric(policy.statistics.primary_metric)
    return [
        {"name": name, **simple_effect(effect_in(pieces[piece], metric))}
        for piece, name in names.items()
        if piece in pieces
    ]


def _tests(
    policy: CompiledPolicy, pieces: Mapping[str, Sequence[Cell]]
) -> list[dict[str, str | float | None]]:
    return [
        {"scope": each.scope, "p": known(each.p), "pieces": len(each.effects)}
        for each in interactions(policy, pieces)
    ]


def _novelty(
    policy: CompiledPolicy, pieces: Mapping[str, Sequence[Cell]]
) -> dict[str, float | bool | None] | None:
    found = novelty(policy, pieces)
    if found is None:
        return None
    return {
        "early": known(found.early),
        "late": known(found.late),
        "z_early": known(found.z_early),
        "z_decay": known(found.z_decay),
        "wears_off": found.found,
    }
