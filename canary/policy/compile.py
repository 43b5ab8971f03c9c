"""From the policy file to what one region's release reads."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from canary.policy.compiled import (
    AntiFlapping,
    Baseline,
    Checks,
    Closure,
    CompiledPolicy,
    Detector,
    Evaluation,
    Gate,
    Intent,
    Ledger,
    Metric,
    Model,
    OfflineGate,
    Promotion,
    Stage,
    Statistics,
    Trigger,
)
from canary.policy.compiled_bandits import Bandit, BanditArm, Bandits
from canary.policy.metric import GateRule, MetricRule, OfflineRule
from canary.policy.model import AntiFlappingRule, ChecksRule, LedgerRule, Policy, Region
from canary.policy.pace import apply_pace
from canary.policy.planning import LEAST_PLANNED, hopeless_gates
from canary.policy.problem import PolicyError, Problem
from canary.policy.validation import validate_policy

__all__ = ["compile_policy", "load_policy"]


_CONTEXTUAL = 3
"""The experiment tier whose bandits read the question's context."""


def load_policy(path: Path) -> Policy:
    """Read and validate a policy file.

    Raises `PolicyError`: for a file that is no TOML, for whatever its keys state wrongly, and then
    for gates that even a candidate just like the control would hardly pass.
    """
    source = str(path)
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise PolicyError(
            [Problem("file", source, f"a readable file ({reason})")], source
        ) from None
    except UnicodeDecodeError as error:
        expected = f"text in UTF-8 (byte {error.start} is not)"
        raise PolicyError([Problem("file", source, expected)], source) from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([_syntax_problem(text, str(error))], source) from None
    policy = validate_policy(values, source)
    if problems := list(_hopeless(policy)):
        raise PolicyError(problems, source)
    return policy


def compile_policy(
    policy: Policy, region: str, *, pace: Mapping[str, Any] | None = None
) -> CompiledPolicy:
    """What a release in `region` reads; `pace` is a scenario's table, for the embedded region.

    Raises `PolicyError` for a region that the policy lacks, and for a pace that cannot be kept.
    """
    known = {each.name: each for each in policy.regions}
    if region not in known:
        problem = Problem("region", region, f"one of {', '.join(known)}")
        raise PolicyError([problem], policy.name)
    compiled = _compile(policy, known[region])
    return compiled if pace is None else apply_pace(compiled, _own_pace(policy, compiled, pace))


def _own_pace(
    policy: Policy, compiled: CompiledPolicy, pace: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The pace without gates on regional metrics that this region does not ask for."""
    regional = {metric.name for metric in policy.metrics if metric.role == "regional"}
    absent = regional - {gate.metric for gate in compiled.gates}
    gates = pace.get("gates")
    if not absent or not isinstance(gates, list | tuple):
        return pace
    kept = [each for each in gates if not (isinstance(each, dict) and each.get("metric") in absent)]
    return {**pace, "gates": kept}


def _compile(policy: Policy, region: Region) -> CompiledPolicy:
    statistics, watch = policy.statistics, policy.watch
    gates = _gates(policy, region)
    offline = _offline_gates(policy, region)
    asked = {gate.metric for gate in gates} | {gate.metric for gate in offline}
    return CompiledPolicy(
        name=policy.name,
        region=region.name,
        timezone=region.timezone,
        wave=region.wave,
        wave_before=tuple(each.name for each in policy.regions if each.wave == region.wave - 1),
        routing=policy.routing,
        slow_ms=policy.slow_ms,
        models=tuple(Model(model.id, model.destinations) for model in region.models),
        stages=tuple(
            Stage(index, stage.rate, stage.task_percent, stage.minimum, stage.maximum)
            for index, stage in enumerate(policy.stages)
        ),
        intents=_intents(policy, region),
        metrics=tuple(
            _metric(metric)
            for metric in policy.metrics
            if metric.role != "regional" or metric.name in asked
        ),
        gates=gates,
        triggers=tuple(
            Trigger(
                name=trigger.name,
                metric=metric.name,
                statistic=trigger.statistic,
                unit=trigger.unit,
                threshold=trigger.threshold,
                windows_seconds=trigger.windows,
                on_breach=trigger.on_breach,
                numerator=trigger.numerator,
                denominator=trigger.denominator,
                min_events=trigger.min_events,
                z=trigger.z,
                ratio_to_control=trigger.ratio_to_control,
                z_to_control=trigger.z_to_control,
                escalate_after_seconds=trigger.escalate_after,
            )
            for metric in policy.metrics
            for trigger in metric.triggers
        ),
        offline_gates=offline,
        detector=Detector(**policy.detector.model_dump()),
        promotion=Promotion(policy.promotion.soak, policy.promotion.approval),
        statistics=Statistics(
            primary_metric=statistics.primary_metric,
            hypothesis=statistics.hypothesis,
            margin=statistics.margin,
            min_effect=statistics.min_effect,
            alpha=statistics.alpha,
            test_seconds=statistics.looks[-1],
            looks_seconds=statistics.looks,
            harm_alpha_overall=statistics.harm_alpha_overall,
            harm_alpha_revenue=statistics.harm_alpha_revenue_critical,
            harm_min_outcomes=statistics.harm_min_outcomes,
            gate_confidence=statistics.gate_confidence,
            intent_alpha=statistics.intent_alpha,
            srm_alpha=statistics.srm_alpha,
            bake_poll_seconds=watch.bake_poll,
            shared_lift_seconds=watch.shared_lift,
            shared_rollback_seconds=watch.shared_rollback,
            silence_seconds=watch.silence,
            promotion_test_seconds=statistics.minimum_test.promotion,
        ),
        checks=_checks(policy.checks),
        calendar=tuple(
            Closure(each.name, each.first.isoformat(), each.last.isoformat())
            for each in sorted(policy.calendar, key=lambda each: each.first)
            if not each.regions or region.name in each.regions
        ),
        baseline=Baseline(
            **policy.baseline.model_dump(), daily_conversations=region.daily_conversations
        ),
        ledger=_ledger(policy.ledger),
        anti_flapping=_anti_flapping(policy.anti_flapping),
        bandits=_bandits(policy),
        evaluation=Evaluation(
            policy.evaluation.fresh_for,
            policy.evaluation.longest,
            policy.evaluation.poll,
            policy.evaluation.intent_floor,
        ),
    )


def _checks(checks: ChecksRule) -> Checks:
    return Checks(
        composite_margin=checks.composite_margin,
        mixed_alpha=checks.mixed_alpha,
        mixed_harm=checks.mixed_harm,
        mixed_hold_seconds=checks.mixed_hold,
        weekday_alpha=checks.weekday_alpha,
        extension_seconds=checks.extension,
        response_alpha=checks.response_alpha,
        response_gap=checks.response_gap,
    )


def _ledger(rule: LedgerRule) -> Ledger:
    return Ledger(
        fdr=rule.fdr,
        q_revenue_critical=rule.q_revenue_critical,
        q_other=rule.q_other,
        lord_start=rule.lord_start,
        bh_window_seconds=rule.bh_window,
        w0=rule.w0,
        payout=rule.payout,
        review_seconds=rule.review,
    )


def _anti_flapping(rule: AntiFlappingRule) -> AntiFlapping:
    return AntiFlapping(
        cooldown_seconds=rule.cooldown,
        rollbacks=rule.rollbacks,
        window_seconds=rule.window,
        hold_after_rollback_seconds=rule.hold_after_rollback,
    )


def _bandits(policy: Policy) -> Bandits:
    """An intent's tier says how its arms are tried: 3 by a contextual bandit, else by Thompson."""
    rule = policy.bandits
    if rule is None:
        return Bandits()
    contextual = {
        name
        for tier in policy.experiment_tiers
        if tier.tier == _CONTEXTUAL
        for name in tier.intents
    }
    return Bandits(
        exploration=rule.exploration,
        reward_window_seconds=rule.reward_window,
        quality_floor=rule.quality_floor,
        quality_sampling=rule.quality_sampling,
        quality_scores=rule.quality_scores,
        shift_errors=rule.shift_errors,
        shift_size=rule.shift_size,
        shift_decisions=rule.shift_decisions,
        review_after_seconds=rule.review_after,
        converged_below=rule.converged_below,
        breadth=rule.breadth,
        intents=tuple(
            Bandit(
                each.intent,
                "linucb" if each.intent in contextual else "thompson",
                tuple(BanditArm(arm.name, arm.prompt.strip()) for arm in each.arms),
            )
            for each in rule.intents
        ),
    )


def _intents(policy: Policy, region: Region) -> tuple[Intent, ...]:
    """The intents at the region's volume, each with its tiers and its part of the composite."""
    rate_tiers = {name: tier for tier in policy.rate_tiers for name in tier.intents}
    experiment = {name: tier.tier for tier in policy.experiment_tiers for name in tier.intents}
    total = sum(intent.daily_volume for intent in policy.intents)
    unweighted = sum(intent.daily_volume for intent in policy.intents if intent.weight is None)
    return tuple(
        Intent(
            name=intent.name,
            daily_volume=intent.daily_volume * region.daily_conversations / total,
            revenue_critical=intent.revenue_critical,
            weight=(
                policy.composite.others * intent.daily_volume / unweighted
                if intent.weight is None
                else intent.weight
            ),
            rate_tier=rate_tiers[intent.name].name,
            rate=rate_tiers[intent.name].rate,
            experiment_tier=experiment[intent.name],
            cached=intent.cached,
        )
        for intent in policy.intents
    )


def _metric(rule: MetricRule) -> Metric:
    return Metric(
        name=rule.name,
        role=rule.role,
        measure=rule.measure,
        source=rule.source,
        numerator=rule.numerator,
        denominator=rule.denominator,
        better=rule.better,
        outcome_window_seconds=rule.outcome_window,
    )


def _gates(policy: Policy, region: Region) -> tuple[Gate, ...]:
    """One gate a stage and scope, by stage; a region's gate replaces its like of the policy."""
    rules: list[tuple[str, GateRule]] = [
        (metric.name, gate) for metric in policy.metrics for gate in metric.gates
    ]
    rules += [(gate.metric, gate) for gate in region.gates]
    gates: dict[tuple[str, int, str, str], Gate] = {}
    for metric, rule in rules:
        for stage in rule.leaving:
            for scope in rule.scopes:
                gates[metric, stage, scope, rule.unit] = Gate(
                    metric=metric,
                    stage=stage,
                    kind=rule.kind,
                    unit=rule.unit,
                    limit=rule.limit,
                    scope=scope,
                    min_sample=rule.min_sample,
                )
    return tuple(sorted(gates.values(), key=lambda gate: gate.stage))


def _offline_gates(policy: Policy, region: Region) -> tuple[OfflineGate, ...]:
    better = {metric.name: metric.better for metric in policy.metrics}
    rules: dict[str, OfflineRule] = {
        rule.metric: rule for rule in (*policy.offline_gates, *region.offline_gates)
    }
    return tuple(OfflineGate(rule.metric, rule.limit, better[name]) for name, rule in rules.items())


def _hopeless(policy: Policy) -> Iterator[Problem]:
    """A problem for each gate of each region that is not worth waiting for."""
    for number, region in enumerate(policy.regions):
        for gate, planned in hopeless_gates(_compile(policy, region)):
            path = _place(policy, number, gate)
            expected = (
                f"a limit that an identical candidate proves in {region.name} within the maximum "
                f"of stages[{gate.stage}] with probability {LEAST_PLANNED}, not {planned:.2f}"
            )
            yield Problem(f"{path}.limit", gate.limit, expected)


def _place(policy: Policy, number: int, gate: Gate) -> str:
    """Where the file states a compiled gate."""
    for place, own in enumerate(policy.regions[number].gates):
        if own.metric == gate.metric and _same(own, gate):
            return f"regions[{number}].gates[{place}]"
    return next(
        f"metrics[{index}].gates[{place}]"
        for index, metric in enumerate(policy.metrics)
        for place, rule in enumerate(metric.gates)
        if metric.name == gate.metric and _same(rule, gate)
    )


def _same(rule: GateRule, gate: Gate) -> bool:
    return gate.stage in rule.leaving and gate.scope in rule.scopes and gate.unit == rule.unit


def _syntax_problem(text: str, message: str) -> Problem:
    """Where the TOML breaks; the parser tells the line at the end of its message."""
    reason, _, place = message.partition(" (at ")
    line = 0
    if place.startswith("line "):
        line = int(place.removeprefix("line ").split(",")[0])
    elif place.startswith("end of document"):
        line = max(1, len(text.splitlines()))
    lines = text.splitlines()
    value = lines[line - 1].strip() if 0 < line <= len(lines) else None
    return Problem(f"line {line}", value, f"TOML ({reason[:1].lower()}{reason[1:]})")
