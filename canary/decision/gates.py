"""The gates of a stage: which limits are kept, broken, or not yet resolved."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

from canary.decision.facts import Facts
from canary.decision.measures import Comparison, compare
from canary.decision.pairs import Pairs
from canary.decision.response import SURVEYS, response_pairs, unlike_response
from canary.decision.verdicts import Verdict, VerdictKind, judge
from canary.decision.wording import effect_words, limit_words, subject_words
from canary.policy.compiled import CompiledPolicy, Gate, Metric
from canary.statistics.intervals import one_sided_z
from canary.statistics.quantile_ratio import quantile_interval, quantile_ratio

__all__ = ["gate_verdicts", "unresolved_verdicts"]

_Q = 0.99


def gate_verdicts(policy: CompiledPolicy, stage: int, facts: Facts) -> tuple[Verdict, ...]:
    """The verdict of every gate that guards `stage`, from the present block's data."""
    if facts.late:
        return unresolved_verdicts(policy, stage, "the feed of events is late")
    return tuple(
        verdict
        for gate in policy.gates
        if gate.stage == stage
        for verdict in _verdicts(policy, gate, facts)
    )


def unresolved_verdicts(policy: CompiledPolicy, stage: int, why: str) -> tuple[Verdict, ...]:
    """Every gate of `stage` as INCONCLUSIVE, for a reason that is not in the data."""
    return tuple(
        _verdict(policy.metric(gate.metric), gate, gate.scope, Comparison(None, 0, 0), note=why)
        for gate in policy.gates
        if gate.stage == stage
    )


def _verdicts(policy: CompiledPolicy, gate: Gate, facts: Facts) -> Iterator[Verdict]:
    metric = policy.metric(gate.metric)
    z = one_sided_z(policy.statistics.gate_confidence)
    if metric.measure == "quantile":
        yield _verdict(metric, gate, "overall", _compare_tails(policy, gate, facts))
        return
    if metric.denominator == SURVEYS:
        yield from _survey_verdicts(policy, gate, facts, z)
        return
    if gate.scope == "overall":
        pairs = facts.block.of(metric.name)
        yield _verdict(metric, gate, "overall", compare(policy, metric, gate.unit, pairs, z))
        return
    everyone = facts.block.of(metric.name)
    groups = {name: everyone.within(strata) for name, strata in _groups(policy, gate).items()}
    yield from _by_group(policy, metric, gate, groups, z)


def _by_group(
    policy: CompiledPolicy,
    metric: Metric,
    gate: Gate,
    groups: dict[str, Pairs],
    z: float,
) -> Iterator[Verdict]:
    if gate.kind == "must_pass":
        for name, pairs in groups.items():
            yield _verdict(metric, gate, name, compare(policy, metric, gate.unit, pairs, z))
        return
    yield from _step_down(policy, metric, gate, groups)


def _survey_verdicts(
    policy: CompiledPolicy, gate: Gate, facts: Facts, z: float
) -> Iterator[Verdict]:
    """A metric over surveys has no verdict where the arms do not answer the survey alike."""
    metric = policy.metric(gate.metric)
    scopes: dict[str, frozenset[str] | None] = {"overall": None}
    if gate.scope != "overall":
        scopes = {**_groups(policy, gate)}
    everyone = facts.block.of(metric.name)
    responses = response_pairs(policy, facts.block)
    alike: dict[str, Pairs] = {}
    for name, strata in scopes.items():
        pairs = everyone if strata is None else everyone.within(strata)
        asked = responses if strata is None else responses.within(strata)
        why = unlike_response(policy, asked)
        if why:
            found = compare(policy, metric, gate.unit, pairs, z)
            unknown = Comparison(None, found.n_control, found.n_canary)
            yield _verdict(metric, gate, name, unknown, note=why)
        else:
            alike[name] = pairs
    if gate.scope == "overall":
        for name, pairs in alike.items():
            yield _verdict(metric, gate, name, compare(policy, metric, gate.unit, pairs, z))
    else:
        yield from _by_group(policy, metric, gate, alike, z)


def _groups(policy: CompiledPolicy, gate: Gate) -> dict[str, frozenset[str]]:
    """The scope's parts, each a set of strata: intents one by one, or rate tiers pooled."""
    if gate.scope == "tier":
        tiers = dict.fromkeys(intent.rate_tier for intent in policy.intents)
        return {
            f"tier:{tier}": frozenset(i.name for i in policy.intents if i.rate_tier == tier)
            for tier in tiers
        }
    return {
        f"intent:{intent.name}": frozenset({intent.name})
        for intent in policy.intents
        if gate.scope == "intent" or intent.revenue_critical
    }


def _step_down(
    policy: CompiledPolicy, metric: Metric, gate: Gate, groups: dict[str, Pairs]
) -> Iterator[Verdict]:
    """Holm's procedure over a scope's parts, by inverting the intervals.

    The first FAIL must hold at alpha / m, the next at alpha / (m - 1), and so on; a part below
    its minimum sample is no hypothesis.
    """
    alpha = policy.statistics.intent_alpha
    enough = [name for name, pairs in groups.items() if _enough(gate, pairs)]
    settled: dict[str, Verdict] = {}
    open_names = enough
    while open_names:
        z = one_sided_z(1 - alpha / len(open_names))
        tried = {
            name: _verdict(metric, gate, name, compare(policy, metric, gate.unit, groups[name], z))
            for name in open_names
        }
        beaten = {name: each for name, each in tried.items() if each.kind is VerdictKind.FAIL}
        settled.update(beaten or tried)
        open_names = [name for name in open_names if beaten and name not in beaten]
    for name, pairs in groups.items():
        if name in settled:
            yield settled[name]
        else:
            found = compare(policy, metric, gate.unit, pairs, one_sided_z(1 - alpha))
            yield _verdict(metric, gate, name, found)


def _compare_tails(policy: CompiledPolicy, gate: Gate, facts: Facts) -> Comparison:
    """P99 of each conversation's slowest turn: the canary's, or its ratio to the control's."""
    sides = {}
    counts = {}
    for arm in ("control", "canary"):
        tail = facts.latency.get(arm)
        counts[arm] = tail.n if tail else 0
        sides[arm] = (
            quantile_interval(tail.n, tail.slowest_ms, _Q, policy.statistics.gate_confidence)
            if tail
            else None
        )
    canary, control = sides["canary"], sides["control"]
    interval = canary
    if gate.unit != "level":
        interval = quantile_ratio(canary, control) if canary and control else None
    return Comparison(interval, counts["control"], counts["canary"])


def _enough(gate: Gate, pairs: Pairs) -> bool:
    """Whether a part has the sample that makes it a hypothesis."""
    least = pairs.n_canary
    if gate.unit != "level":
        least = min(least, pairs.n_control)
    return least >= max(gate.min_sample, 1)


def _too_few(gate: Gate, found: Comparison) -> bool:
    least = found.n_canary if gate.unit == "level" else min(found.n_control, found.n_canary)
    return found.interval is None or least < gate.min_sample


def _verdict(
    metric: Metric, gate: Gate, scope: str, found: Comparison, *, note: str = ""
) -> Verdict:
    """Judge one comparison.

    A guardrail's bare level is held by its estimate: its proof is the comparison with the control
    that stands beside it.
    """
    interval = found.interval
    kind = VerdictKind.INCONCLUSIVE
    if interval is not None and not _too_few(gate, found):
        by_point = gate.unit == "level" and metric.role == "guardrail"
        kind = judge(interval, gate.limit, metric.better, by_point=by_point)
    unknown = (math.nan, -math.inf, math.inf)
    numbers = (interval.estimate, interval.lower, interval.upper) if interval else unknown
    return Verdict(
        metric=metric.name,
        scope=scope,
        kind=kind,
        gate=gate.kind,
        unit=gate.unit,
        limit=gate.limit,
        estimate=numbers[0],
        lower=numbers[1],
        upper=numbers[2],
        n_control=found.n_control,
        n_canary=found.n_canary,
        say=functools.partial(_sentence, metric, gate, found, scope=scope, note=note, kind=kind),
    )


def _sentence(
    metric: Metric, gate: Gate, found: Comparison, *, scope: str, note: str, kind: VerdictKind
) -> str:
    if found.interval is None:
        said = note or "no data to compare"
    elif _too_few(gate, found):
        said = f"fewer than {gate.min_sample:,} observations an arm"
    else:
        said = effect_words(found.interval, gate.unit, metric)
    wanted = limit_words(gate.limit, gate.unit, metric)
    return f"{subject_words(metric.name, scope)}: {said}; {wanted} wanted: {kind}"
