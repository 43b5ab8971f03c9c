"""Every verdict of the last look that judged, and how much of its margin each gate has used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canary.decision.effects import effect_in
from canary.decision.record import LookRecord
from canary.policy.compiled import CompiledPolicy
from canary.report.effects import known
from canary.report.figures import effect_kind, level_kind

__all__ = ["composite", "gates"]

_GATES = ("must_pass", "must_not_fail")


def gates(policy: CompiledPolicy, records: Sequence[LookRecord]) -> dict[str, Any]:
    """Verdicts as they were taken; `used` is 1 where a limit is just kept.

    What is only observed has no limit and stands apart: it never decides.
    """
    judged = _judged(records)
    if judged is None:
        return {"at": None, "stage": None, "overall": [], "parts": [], "observed": []}
    verdicts = [
        _row(policy, verdict)
        for verdict in judged.decision["verdicts"]
        if verdict["gate"] in _GATES and verdict["metric"] != "composite"
    ]
    observed = [
        _row(policy, verdict)
        for verdict in judged.decision["verdicts"]
        if verdict["gate"] == "observed"
    ]
    return {
        "at": judged.facts.as_of,
        "stage": judged.state.stage,
        "overall": [row for row in verdicts if row["scope"] == "overall"],
        "parts": [row for row in verdicts if row["scope"] != "overall"],
        "observed": observed,
    }


def composite(policy: CompiledPolicy, records: Sequence[LookRecord]) -> dict[str, Any]:
    """The composite's verdict where one was taken, and the intents it is made of."""
    judged = _judged(records)
    verdict = None
    cells = records[-1].facts.block_cells if records else ()
    if judged is not None:
        cells = judged.facts.block_cells
        verdict = next(
            (each for each in judged.decision["verdicts"] if each["metric"] == "composite"), None
        )
    metric = policy.metric(policy.statistics.primary_metric)
    parts = []
    for intent in policy.intents:
        if intent.weight <= 0:
            continue
        found = effect_in(cells, metric, {intent.name})
        relative = known(found.estimate / found.control) if found.control > 0 else None
        parts.append(
            {
                "intent": intent.name,
                "weight": intent.weight,
                "revenue_critical": intent.revenue_critical,
                "control": known(found.control),
                "relative": relative,
                "weighted": intent.weight * relative if relative is not None else None,
            }
        )
    return {"verdict": verdict, "margin": policy.checks.composite_margin, "parts": parts}


def _judged(records: Sequence[LookRecord]) -> LookRecord | None:
    """The last look that judged gates, not the test alone."""
    for record in reversed(records):
        if any(verdict["gate"] in _GATES for verdict in record.decision["verdicts"]):
            return record
    return None


def _row(policy: CompiledPolicy, verdict: Mapping[str, Any]) -> dict[str, Any]:
    metric = policy.metric(verdict["metric"])
    used = {
        f"used{suffix}": _used(verdict["unit"], metric.better, metric.measure, verdict, name)
        for suffix, name in (("", "estimate"), ("_lower", "lower"), ("_upper", "upper"))
    }
    kind = effect_kind(verdict["unit"])
    if verdict["unit"] == "level":
        kind = "ms" if metric.measure == "quantile" else level_kind(metric.measure)
    return {**verdict, "role": metric.role, "kind": kind, **used}


def _used(
    unit: str, better: str, measure: str, verdict: Mapping[str, Any], name: str
) -> float | None:
    """A value as a part of what its limit allows; above 1 the limit is broken.

    A floor on a level, such as 95% right names, allows the rest: 5% wrong ones.
    """
    value, limit = verdict[name], verdict["limit"]
    if value is None or not limit:
        return None
    if unit != "level" or better == "lower":
        return float(value / limit)
    return float((1 - value) / (1 - limit)) if measure == "rate" and limit < 1 else None
