"""The page's part on the release itself: what the region's policy lets happen, stage by stage."""

from __future__ import annotations

from dataclasses import replace

from canary.policy.compiled import CompiledPolicy, Gate, Unit
from canary.policy.duration import duration_text
from canary.policy.words import limit_words, trigger_words
from canary.review.blocks import Block, table
from canary.routing.rates import asked_share
from canary.routing.weights import traffic_form

__all__ = ["plan_blocks"]


def plan_blocks(policy: CompiledPolicy) -> tuple[Block, ...]:
    """Stages with their weights, gates, and triggers."""
    head = (
        f"Policy version `{policy.digest}`, {policy.routing} routing, wave {policy.wave}. "
        "A release in flight goes on with the policy that it was admitted with."
    )
    return (
        Block("Stages and weights", f"{head}\n\n{_stages(policy)}"),
        Block("Gates", _gates(policy)),
        Block("Triggers", _triggers(policy)),
    )


def _stages(policy: CompiledPolicy) -> str:
    rows = []
    for stage in policy.stages:
        form = traffic_form(policy.routing, stage.rate, promotion=stage.rate == 1)
        rows.append(
            (
                str(stage.index),
                f"{stage.rate * 100:g}%",
                f"{asked_share(policy, stage.index) * 100:.4g}%",
                f"{form.control} / {form.canary} / {form.draw}",
                f"{stage.task_percent}%",
                duration_text(stage.min_seconds) if stage.min_seconds else "",
                duration_text(stage.max_seconds) if stage.max_seconds else "",
            )
        )
    heads = ("stage", "rate", "asked", "canary's weight by rule¹", "tasks", "at least", "at most")
    note = (
        "¹ of 100, in the rules for header `control`, header `canary`, and the rest; the templates "
        "hold 0 / 0 / 0."
    )
    soak = duration_text(policy.promotion.soak_seconds)
    approval = duration_text(policy.promotion.approval_seconds)
    last = (
        f"Before the last stage a person approves, within {approval}; after it the old model stays "
        f"warm for {soak}."
    )
    return f"{table(heads, rows)}\n\n{note}\n{last}"


def _gates(policy: CompiledPolicy) -> str:
    offline = [
        (each.metric, "0 (offline)", "overall", "met", _limit(policy, each.metric, each.limit))
        for each in policy.offline_gates
    ]
    leaving: dict[Gate, list[int]] = {}
    for gate in policy.gates:
        leaving.setdefault(replace(gate, stage=0), []).append(gate.stage)
    places = [metric.name for metric in policy.metrics]
    rows = []
    for gate, stages in sorted(leaving.items(), key=lambda item: places.index(item[0].metric)):
        rows.append(
            (
                gate.metric,
                ", ".join(map(str, stages)),
                gate.scope.replace("_", " "),
                "proved" if gate.kind == "must_pass" else "not disproved",
                _limit(policy, gate.metric, gate.limit, gate.unit),
            )
        )
    return table(("metric", "leaving stage", "scope", "must be", "limit"), [*offline, *rows])


def _limit(policy: CompiledPolicy, name: str, limit: float, unit: Unit = "level") -> str:
    metric = policy.metric(name)
    side = "at most" if metric.better == "lower" else "at least"
    return f"{side} {limit_words(limit, unit, metric.measure)}"


def _triggers(policy: CompiledPolicy) -> str:
    rows = [
        (each.name, each.metric, trigger_words(each, policy.metric(each.metric)))
        for each in policy.triggers
    ]
    return table(("alarm", "metric", "when, and what then"), rows)
