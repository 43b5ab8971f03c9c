"""Latency, tokens, exclusions and sample conversations: what the events add to the looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canary.decision.effects import effect_in
from canary.decision.facts import Cell
from canary.decision.record import LookRecord
from canary.policy.compiled import CompiledPolicy
from canary.report.effects import effect_unit, simple_effect
from canary.report.evidence import Conduct, Evidence, Sample, Spread
from canary.report.redaction import redacted
from canary.statistics.quantile_ratio import quantile_interval, quantile_ratio

__all__ = ["exclusions", "samples", "spreads"]

ARMS = ("control", "canary")
_NAMED = {500: "p50", 900: "p90", 950: "p95", 990: "p99"}
_Q = 0.99


def spreads(
    policy: CompiledPolicy, records: Sequence[LookRecord], evidence: Evidence | None
) -> dict[str, Any]:
    """Quantiles by arm since the first exposure, and the gates' own ratio of P99s in the block."""
    found = evidence or Evidence(as_of=0.0)
    return {
        "known": evidence is not None,
        "latency": _quantity(found.latency_ms),
        "tokens": _quantity(found.tokens),
        "p99": _tail_ratio(policy, records),
    }


def exclusions(
    policy: CompiledPolicy, state_cells: Sequence[Cell], evidence: Evidence | None
) -> dict[str, Any]:
    """Who is in no arm, what stays in the arm drawn, and what the source's exclusion would say."""
    metric = policy.metric(policy.statistics.primary_metric)
    document: dict[str, Any] = {
        "known": evidence is not None,
        "undrawn": evidence.undrawn if evidence else None,
        "arms": [],
        "unit": effect_unit(metric),
        "decided_on": simple_effect(effect_in(tuple(state_cells), metric)),
        "all_drawn": None,
        "sensitivity": None,
    }
    if evidence is None:
        return document
    document["arms"] = [
        _conduct(arm, evidence.conduct[arm]) for arm in ARMS if arm in evidence.conduct
    ]
    document["all_drawn"] = simple_effect(effect_in(evidence.cells, metric))
    document["sensitivity"] = simple_effect(effect_in(evidence.kept_by_source, metric))
    return document


def samples(evidence: Evidence | None) -> dict[str, Any]:
    """Conversations of both arms, redacted; chosen by their ids, not by how they went."""
    found = evidence.samples if evidence else ()
    return {
        "known": evidence is not None,
        **{arm: [_sample(each) for each in found if each.arm == arm] for arm in ARMS},
    }


def _quantity(by_arm: Mapping[str, Spread]) -> dict[str, Any]:
    named = [
        {
            "arm": arm,
            "n": by_arm[arm].n,
            **{name: by_arm[arm].quantiles.get(q) for q, name in _NAMED.items()},
        }
        for arm in ARMS
        if arm in by_arm
    ]
    curves = {
        arm: [{"share": q / 1000, "value": by_arm[arm].quantiles[q]} for q in sorted(spread)]
        for arm in ARMS
        if arm in by_arm
        for spread in (by_arm[arm].quantiles,)
    }
    return {"arms": named, "curves": curves}


def _tail_ratio(policy: CompiledPolicy, records: Sequence[LookRecord]) -> dict[str, Any] | None:
    """P99 of each conversation's slowest turn by arm and their ratio, as the gates compare them."""
    tails = next((r.facts.latency for r in reversed(records) if r.facts.latency), {})
    confidence = policy.statistics.gate_confidence
    sides = {
        arm: quantile_interval(tail.n, tail.slowest_ms, _Q, confidence)
        for arm, tail in tails.items()
    }
    control, canary = sides.get("control"), sides.get("canary")
    if control is None or canary is None:
        return None
    ratio = quantile_ratio(canary, control)
    return {
        "confidence": confidence,
        "control": control.estimate,
        "canary": canary.estimate,
        "ratio": ratio.estimate,
        "lower": ratio.lower,
        "upper": ratio.upper,
        "n_control": tails["control"].n,
        "n_canary": tails["canary"].n,
    }


def _conduct(arm: str, found: Conduct) -> dict[str, Any]:
    turns, conversations = found.turns, found.conversations
    return {
        "arm": arm,
        "customers": found.customers,
        "conversations": conversations,
        "turns": turns,
        "error_share": found.error / turns if turns else None,
        "fallback_share": found.fallback / turns if turns else None,
        "refused_share": found.refused / turns if turns else None,
        "reassigned": found.reassigned,
        "reassigned_share": found.reassigned / conversations if conversations else None,
        "excluded_by_source": found.excluded_by_source,
    }


def _sample(found: Sample) -> dict[str, Any]:
    return {
        "conversation": found.conversation_id,
        "intent": found.stratum,
        "stage": found.stage,
        "turns": [
            {
                "number": turn.number,
                "intent": turn.intent,
                "status": turn.status,
                "latency_ms": turn.latency_ms,
                "tokens": turn.tokens,
                "answer": redacted(turn.text) if turn.text else None,
            }
            for turn in found.turns
        ],
        "completed": found.completed,
        "csat": found.csat,
    }
