"""Whether both arms answer the survey alike: else those who answer are not the same customers."""

from __future__ import annotations

import math
from statistics import NormalDist

from canary.decision.effects import effect_of
from canary.decision.pairs import Pairs, PairsByMetric
from canary.policy.compiled import CompiledPolicy, Metric

__all__ = ["SURVEYS", "response_pairs", "unlike_response"]

SURVEYS = "surveys"


def response_pairs(policy: CompiledPolicy, block: PairsByMetric) -> Pairs:
    """Both arms' surveys by stratum; none where the policy does not measure the response."""
    metric = _response(policy)
    return Pairs() if metric is None else block.of(metric.name)


def unlike_response(policy: CompiledPolicy, pairs: Pairs) -> str:
    """Why a mean over surveys says nothing here; empty when the arms respond alike.

    `pairs` are those of `response_pairs` that belong to the scope.

    They differ when the difference is both certain (two-sided `checks.response_alpha`) and large
    (`checks.response_gap`, relative to control).
    """
    metric = _response(policy)
    if metric is None:
        return ""
    found = effect_of(pairs, metric)
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


def _response(policy: CompiledPolicy) -> Metric | None:
    return next((each for each in policy.metrics if each.numerator == SURVEYS), None)
