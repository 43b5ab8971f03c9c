"""The confirmatory test: looks at the information there is, benefit decided once, at the last."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

from canary.decision.duration import planned_seconds
from canary.decision.facts import Facts
from canary.decision.harm import oriented_score
from canary.decision.measures import unit_variance
from canary.decision.verdicts import Verdict, VerdictKind
from canary.decision.wording import confirmatory_words
from canary.policy.compiled import CompiledPolicy, Unit
from canary.release.model import ReleaseState
from canary.routing.rates import rate
from canary.statistics.intervals import Interval
from canary.statistics.score_process import Score, post_stratified
from canary.statistics.sequential_p import sequential_p
from canary.statistics.spending import boundaries, obrien_fleming_spend

__all__ = ["Look", "last_look", "looks_due", "middle_look", "project_v_max"]

_DAY = 86_400.0
_LEAST_P = 1e-100
"""Smaller is written as this: a number of the records' table has to be 0 or above 1e-130."""


@dataclass(frozen=True)
class Look:
    """One look at the score process; `benefit` is decided at the last one only."""

    number: int
    information: float
    fraction: float
    z: float
    bound: float
    estimate: float
    post_stratified: float
    """The effect if intents came in the policy's shares."""
    apart: float
    """How far that is from `estimate`, in its standard errors: above 1 the mix matters."""
    benefit: bool | None
    p_value: float | None
    """At the last look of a registered test: two-sided, 1 for what speaks against the candidate."""
    verdict: Verdict


def looks_due(policy: CompiledPolicy, elapsed: float) -> int:
    """How many of the looks before the last have come due, `elapsed` since first exposure."""
    return sum(seconds <= elapsed for seconds in policy.statistics.looks_seconds[:-1])


def project_v_max(policy: CompiledPolicy, state: ReleaseState, facts: Facts) -> float:
    """The variance that the score is planned to have at the last look.

    What it has now, and the policy's volumes at the last test stage until the test's end. Frozen
    when that stage starts: what comes later must not move it.
    """
    plan = policy.statistics
    metric = policy.metric(plan.primary_metric)
    now = oriented_score(facts.exposure.of(metric.name), metric).v
    start = facts.as_of if state.first_exposure_at is None else state.first_exposure_at
    days = max(0.0, start + planned_seconds(policy, state) - facts.as_of) / _DAY
    stage = len(policy.stages) - 2
    daily = sum(
        intent.daily_volume * r * (1 - r)
        for intent in policy.intents
        for r in (rate(policy, stage, intent.name),)
    )
    observed = policy.baseline.survey_response if metric.denominator == "surveys" else 1.0
    return now + daily * days * observed * unit_variance(policy, metric)


def middle_look(policy: CompiledPolicy, state: ReleaseState, facts: Facts, due: int) -> Look:
    """A look before the last: it spends its alpha and decides nothing in favour."""
    return _look(policy, state, facts, number=due, last=False)


def last_look(policy: CompiledPolicy, state: ReleaseState, facts: Facts) -> Look:
    """The look that decides benefit, with all the alpha that is left."""
    number = len(policy.statistics.looks_seconds)
    return _look(policy, state, facts, number=number, last=True)


def _look(
    policy: CompiledPolicy, state: ReleaseState, facts: Facts, *, number: int, last: bool
) -> Look:
    plan = policy.statistics
    metric = policy.metric(plan.primary_metric)
    pairs = facts.exposure.of(metric.name)
    found = oriented_score(pairs, metric)
    limit = -plan.margin if plan.hypothesis == "non_inferiority" else 0.0
    v_max = state.v_max or project_v_max(policy, state, facts)
    before = _rising(state.look_information, found.v)
    level, planned = plan.alpha / 2, planned_seconds(policy, state)
    spent = [_spent(policy, planned, i, v / v_max, level) for i, v in enumerate(before)]
    spent.append(level if last else _spent(policy, planned, len(before), found.v / v_max, level))
    bound = boundaries([*before, found.v], spent)[-1] if found.v > 0 else math.inf
    z = found.z(limit)
    crossed = z >= bound
    large = plan.hypothesis == "non_inferiority" or (
        found.w > 0 and found.estimate >= plan.min_effect
    )
    radius = bound * math.sqrt(found.v) / found.w if found.w > 0 else math.inf
    harmed = found.w > 0 and found.estimate + radius < limit
    kind = VerdictKind.FAIL if harmed else VerdictKind.INCONCLUSIVE
    if crossed and large:
        kind = VerdictKind.PASS
    shares = {intent.name: intent.daily_volume for intent in policy.intents}
    stratified, _ = post_stratified(pairs, shares)
    stratified = stratified if metric.better == "higher" else -stratified
    apart = _apart(found, stratified)
    unit: Unit = "points" if metric.measure == "rate" else "score"
    interval = Interval(found.estimate, found.estimate - radius, found.estimate + radius)
    # Effects and limits of the test are turned so that more is better.
    sentence = functools.partial(
        confirmatory_words,
        replace(metric, better="higher"),
        plan.hypothesis,
        unit,
        kind,
        look=(number, len(plan.looks_seconds)),
        z=(z, bound),
        effect=interval if found.w > 0 else None,
        too_small=plan.min_effect if last and crossed and not large else None,
        usual_mix=stratified if apart > 1 else None,
    )
    verdict = Verdict(
        metric=metric.name,
        scope="overall",
        kind=kind,
        gate="test",
        unit=unit,
        limit=limit,
        estimate=interval.estimate,
        lower=interval.lower,
        upper=interval.upper,
        n_control=found.n_control,
        n_canary=found.n_canary,
        say=sentence,
    )
    return Look(
        number=number,
        information=found.v,
        fraction=1.0 if last else min(1.0, found.v / v_max) if v_max > 0 else 0.0,
        z=z,
        bound=bound,
        estimate=found.estimate,
        post_stratified=stratified,
        apart=apart,
        benefit=(crossed and large) if last else None,
        p_value=_p_value(policy, planned, [*before, found.v], v_max, z)
        if last and facts.ledger
        else None,
        verdict=verdict,
    )


def _apart(found: Score, stratified: float) -> float:
    """Standard errors between the test's own estimate and the post-stratified one."""
    if not (found.v > 0 and math.isfinite(stratified)):
        return 0.0
    return abs(stratified - found.estimate) * found.w / math.sqrt(found.v)


def _p_value(
    policy: CompiledPolicy, planned: int, information: list[float], v_max: float, z: float
) -> float:
    """Twice the smallest one-sided level at which this last look would cross its own bound.

    It is 1 for what speaks against the candidate, as harm has a sequence of its own, and without
    information. At most alpha exactly when the bound is reached.
    """
    if not information[-1] > 0 or z <= 0:
        return 1.0

    def spend(level: float) -> list[float]:
        before = enumerate(information[:-1])
        return [*(_spent(policy, planned, i, v / v_max, level) for i, v in before), level]

    return min(1.0, max(_LEAST_P, 2 * sequential_p(information, z, spend)))


def _spent(
    policy: CompiledPolicy, planned: int, index: int, fraction: float, level: float
) -> float:
    """One-sided alpha spent by a look before the last.

    More volume than planned must not spend the last look's alpha: time caps the fraction.
    """
    plan = policy.statistics
    seconds = plan.looks_seconds[min(index, len(plan.looks_seconds) - 1)]
    capped = min(fraction, seconds / planned)
    return obrien_fleming_spend(capped, level) if capped > 0 else 0.0


def _rising(information: tuple[float, ...], until: float) -> list[float]:
    """Earlier looks' information as far as it rises and stays below the present look's."""
    kept: list[float] = []
    for value in information:
        if (kept[-1] if kept else 0.0) < value < until:
            kept.append(value)
    return kept
