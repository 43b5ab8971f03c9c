"""The composite over intents (A5): relative effects on the primary metric, weighted by business.

A net gain never outweighs a broken gate: the composite is one more gate, and lifts none.
"""

from __future__ import annotations

import functools
import math
from dataclasses import replace

from canary.decision.effects import effect_of
from canary.decision.pairs import PairsByMetric
from canary.decision.verdicts import Verdict, VerdictKind
from canary.decision.wording import effect_words, limit_words
from canary.policy.compiled import CompiledPolicy, Metric
from canary.statistics.composite import weighted_composite
from canary.statistics.intervals import Interval, one_sided_z

__all__ = ["composite_verdict"]


def composite_verdict(policy: CompiledPolicy, block: PairsByMetric) -> Verdict:
    """FAIL when the composite is surely negative, PASS when it surely keeps its margin.

    FAIL: the one-sided upper bound at the intents' alpha lies below 0, as for whatever else only
    must not fail. At the usual 95%, judged at three or four blocks, it held one identical candidate
    in ten (`canary simulate --world same`). PASS: the lower bound at the gates' confidence is above
    minus the margin. An intent with a weight and no data leaves it open.
    """
    plan, metric = policy.statistics, policy.metric(policy.statistics.primary_metric)
    everyone = block.of(metric.name)
    changes: dict[str, float] = {}
    errors: dict[str, float] = {}
    n_control = n_canary = 0.0
    missing = []
    for intent in policy.intents:
        if intent.weight <= 0:
            continue
        found = effect_of(everyone.within(frozenset({intent.name})), metric)
        n_control, n_canary = n_control + found.n_control, n_canary + found.n_canary
        if not (found.known and found.control > 0):
            missing.append(intent.name)
            continue
        changes[intent.name] = found.estimate / found.control
        errors[intent.name] = math.sqrt(found.relative_variance)
    limit = -policy.checks.composite_margin
    kind = VerdictKind.INCONCLUSIVE
    if missing:
        total, lower, upper = math.nan, -math.inf, math.inf
    else:
        weights = {intent.name: intent.weight for intent in policy.intents if intent.weight > 0}
        found_sum = weighted_composite(weights, changes, errors)
        total, spread = found_sum.effect, found_sum.standard_error or 0.0
        sure = one_sided_z(1 - plan.intent_alpha) * spread
        lower, upper = total - sure, total + sure
        if upper < 0:
            kind = VerdictKind.FAIL
        elif total - one_sided_z(plan.gate_confidence) * spread > limit:
            kind = VerdictKind.PASS
    return Verdict(
        metric="composite",
        scope="overall",
        kind=kind,
        gate="must_not_fail",
        unit="relative",
        limit=limit,
        estimate=total,
        lower=lower,
        upper=upper,
        n_control=n_control,
        n_canary=n_canary,
        say=functools.partial(
            _sentence, metric, Interval(total, lower, upper), tuple(missing), limit, kind
        ),
    )


def _sentence(
    metric: Metric, found: Interval, missing: tuple[str, ...], limit: float, kind: VerdictKind
) -> str:
    # Effects are turned so that more is better.
    turned = replace(metric, better="higher")
    said = f"no data for {', '.join(missing)}"
    if not missing:
        said = effect_words(found, "relative", turned)
    wanted = limit_words(limit, "relative", turned)
    return f"composite of {metric.name} over intents: {said}; {wanted} wanted: {kind}"
