"""Whether both arms answer the survey alike: else those who answer are not the same customers."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from statistics import NormalDist

from canary.decision.effects import effect_in
from canary.decision.facts import Cell
from canary.policy.compiled import CompiledPolicy

__all__ = ["SURVEYS", "unlike_response"]

SURVEYS = "surveys"


def unlike_response(
    policy: CompiledPolicy, cells: Iterable[Cell], strata: Collection[str] | None = None
) -> str:
    """Why a mean over surveys says nothing here; empty when the arms respond alike.

    They differ when the difference is both certain (two-sided `checks.response_alpha`) and large
    (`checks.response_gap`, relative to control).
    """
    metric = next((each for each in policy.metrics if each.numerator == SURVEYS), None)
    if metric is None:
        return ""
    found = effect_in(tuple(cells), metric, strata)
    if not (found.known and found.control > 0):
        return ""
    gap = found.estimate / found.control
    p = math.erfc(abs(found.z) / math.sqrt(2))
    checks = policy.checks
    if p >= checks.response_alpha or abs(gap) <= checks.response_gap:
        return ""
    bound = NormalDist().inv_cdf(1 - checks.response_alpha / 2)
    return (
        f"the canary's customers answer the survey {100 * gap:+.1f}% as often as the control's "
        f"(z {found.z:.1f}, alike up to {bound:.1f})"
    )
