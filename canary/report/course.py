"""The primary metric from look to look: what was known when, and what each look was held to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from canary.decision.harm import harm_lines, oriented_score
from canary.decision.record import LookRecord
from canary.policy.compiled import CompiledPolicy
from canary.release.model import ReleaseState
from canary.report.effects import TWO_SIDED, effect_unit, known
from canary.statistics.normal import two_sided

__all__ = ["TEST_RULE", "compiled", "first_exposure", "primary"]

TEST_RULE = "confirmatory test"
"""The name under which the progression notes a look of the test."""
MOST_POINTS = 60
_DAY = 86_400.0


@lru_cache(maxsize=4)
def compiled(policy: str) -> CompiledPolicy:
    """A release's copy of the policy; every look of a release carries the same text."""
    return CompiledPolicy.from_json(policy)


def first_exposure(records: Sequence[LookRecord]) -> float | None:
    """When the first customer could have met the candidate, as the looks know it."""
    moments = (record.state.first_exposure_at for record in records)
    return next((moment for moment in moments if moment is not None), None)


def primary(state: ReleaseState, records: Sequence[LookRecord]) -> dict[str, Any]:
    """Effects are turned so that more is better. Fractions of one, epoch seconds, days."""
    policy = compiled(state.policy)
    plan, metric = policy.statistics, policy.metric(policy.statistics.primary_metric)
    # A look that died before it was recorded is taken again, under the same number.
    looks = list({look["number"]: look for record in records if (look := _look(record))}.values())
    start = next(
        (r.state.first_exposure_at for r in records if r.state.first_exposure_at is not None), None
    )
    course = [_point(record, start) for record in _thinned(records)]
    return {
        "metric": metric.name,
        "hypothesis": plan.hypothesis,
        "unit": effect_unit(metric),
        "better": metric.better,
        "limit": -plan.margin if plan.hypothesis == "non_inferiority" else 0.0,
        "min_effect": plan.min_effect if plan.hypothesis == "superiority" else None,
        "alpha": plan.alpha,
        "harm_alpha": plan.harm_alpha_overall,
        "harm_from": plan.harm_min_outcomes,
        "planned_looks": [
            {"number": number, "days": seconds / _DAY}
            for number, seconds in enumerate(plan.looks_seconds, start=1)
        ],
        "v_max": state.v_max,
        "looks": looks,
        "course": course,
        "final": _final(looks),
    }


def _look(record: LookRecord) -> dict[str, Any] | None:
    """A look of the test exactly as it was decided."""
    noted = [rule for rule in record.decision["rules"] if rule["name"] == TEST_RULE]
    if not noted:
        return None
    inputs: Mapping[str, Any] = noted[0]["inputs"]
    verdict = next(each for each in record.decision["verdicts"] if each["gate"] == "test")
    z, limit = inputs["z"], verdict["limit"]
    error = (
        abs((verdict["estimate"] - limit) / z) if z and verdict["estimate"] is not None else None
    )
    exposed = record.state.first_exposure_at
    return {
        "number": inputs["look"],
        "at": record.facts.as_of,
        "days": (record.facts.as_of - exposed) / _DAY if exposed is not None else None,
        "stage": record.state.stage,
        "information": inputs["information"],
        "fraction": inputs["fraction"],
        "z": z,
        "bound": inputs["bound"],
        "limit": limit,
        "estimate": verdict["estimate"],
        "lower": verdict["lower"],
        "upper": verdict["upper"],
        "n_control": verdict["n_control"],
        "n_canary": verdict["n_canary"],
        "post_stratified": inputs["post_stratified"],
        "differs": _differs(verdict["estimate"], inputs["post_stratified"], error),
        "benefit": inputs["benefit"],
        "verdict": verdict["verdict"],
    }


def _differs(estimate: float | None, stratified: float | None, error: float | None) -> bool:
    """Whether volume weights and the score's weights disagree by more than a standard error."""
    if estimate is None or stratified is None or not error:
        return False
    return abs(estimate - stratified) > error


def _point(record: LookRecord, start: float | None) -> dict[str, Any]:
    policy = compiled(record.state.policy)
    metric = policy.metric(policy.statistics.primary_metric)
    found = oriented_score(record.facts.exposure.of(metric.name), metric)
    harm = harm_lines(policy, record.facts)[0]
    error = math.sqrt(found.v) / found.w if found.w > 0 else math.nan
    return {
        "at": record.facts.as_of,
        "days": (record.facts.as_of - start) / _DAY if start is not None else None,
        "stage": record.state.stage,
        "n_control": found.n_control,
        "n_canary": found.n_canary,
        "estimate": known(found.estimate),
        "error": known(error),
        "always_upper": known(harm.upper) if harm.ready else None,
    }


def _thinned(records: Sequence[LookRecord]) -> list[LookRecord]:
    """At most `MOST_POINTS` looks, evenly chosen, with every look of the test and the last one."""
    if len(records) <= MOST_POINTS:
        return list(records)
    step = (len(records) - 1) / (MOST_POINTS - 1)
    wanted = {round(index * step) for index in range(MOST_POINTS)}
    return [r for index, r in enumerate(records) if index in wanted or _look(r)]


def _final(looks: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The last look's estimate, its intervals and its p-value against the limit.

    No look before it may stop the test for a benefit, so the estimate is not one that stopping
    chose, and needs no correction (a stage-wise one would take a bound that was passed early for a
    stop that never came). The interval by the look's own bound agrees with the test and covers at
    all looks at once; the plain one covers at this look.
    """
    last = next((look for look in looks if look["benefit"] is not None), None)
    if last is None or not last["z"] or last["estimate"] is None:
        return None
    error = abs((last["estimate"] - last["limit"]) / last["z"])
    return {
        "estimate": last["estimate"],
        "lower": last["lower"],
        "upper": last["upper"],
        "plain_lower": last["estimate"] - TWO_SIDED * error,
        "plain_upper": last["estimate"] + TWO_SIDED * error,
        "p_two_sided": float(two_sided(last["z"])),
        "benefit": last["benefit"],
    }
