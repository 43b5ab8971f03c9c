"""A policy explained: what its gates resolve, how long it takes, what holds it up."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from canary.planning.changes import (
    GateChange,
    IntentChange,
    StageChange,
    gate_changes,
    intent_change,
    stage_changes,
)
from canary.planning.confirmatory import ConfirmatoryPlan, plan_test
from canary.planning.gates import Resolution, gate_pass, resolve
from canary.planning.ramp import Span, joint_pass, planned_ramp, stage_blocks
from canary.policy.compiled import CompiledPolicy, Gate

__all__ = ["Explanation", "GatePlan", "GateTime", "StagePlan", "Weakest", "explain_policy"]

_LOOKS_SHOWN = 8


@dataclass(frozen=True)
class GateTime:
    """A gate after so many seconds at its stage; nothing is known where it cannot be planned."""

    seconds: int
    passes: float | None
    parts: tuple[Resolution, ...]

    @property
    def weakest(self) -> Resolution | None:
        """The part that resolves least: passed with the least margin, or failed the latest."""
        if not self.parts:
            return None
        return max(self.parts, key=_blindness)


@dataclass(frozen=True)
class GatePlan:
    """A gate at its stage's minimum and maximum duration."""

    metric: str
    measure: str
    stage: int
    kind: str
    scope: str
    unit: str
    limit: float
    planned: bool
    at_minimum: GateTime
    at_maximum: GateTime


@dataclass(frozen=True)
class StagePlan:
    """A stage's looks, in seconds since it began, each with the joint P(PASS | identical)."""

    stage: int
    planned: Span
    looks: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Weakest:
    """The part of a must_not_fail gate that is blindest for its limit, at the longest duration."""

    metric: str
    stage: int
    part: str
    unit: str
    limit: float
    refuses: float | None


@dataclass(frozen=True)
class Explanation:
    """Everything `canary policy explain` says; effects of gates in their own unit, worse positive.

    `design_effect` is 1 where each conversation counts as a customer of its own.
    """

    policy: str
    region: str
    daily_conversations: float
    design_effect: float
    stages: tuple[StagePlan, ...]
    gates: tuple[GatePlan, ...]
    test: ConfirmatoryPlan
    weakest: tuple[Weakest, ...]
    stage_changes: tuple[StageChange, ...]
    gate_changes: tuple[GateChange, ...]
    intent_change: IntentChange | None

    def as_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers; None where nothing is known."""
        document = asdict(self)
        document["test"]["bottleneck"] = self.test.bottleneck.intent
        return document


def explain_policy(
    policy: CompiledPolicy, target: float, *, design_effect: float = 1.0
) -> Explanation:
    """Plan every gate and the registered test at the policy's volumes.

    `target` is the improvement of the primary metric that the test is to find, in its own scale.
    Raises `ValueError` for a design effect below 1, a target that is no improvement, and a primary
    metric whose spread the baseline does not tell.
    """
    if not design_effect >= 1:
        raise ValueError(f"design_effect: {design_effect} is below 1")
    if not target > 0:
        raise ValueError(f"target: {target} is no improvement; it must be above 0")
    ramp = planned_ramp(policy, design_effect=design_effect)
    test = plan_test(policy, ramp, target, design_effect=design_effect)
    gates = tuple(_gate_plan(policy, gate, design_effect) for gate in policy.gates)
    return Explanation(
        policy=policy.name,
        region=policy.region,
        daily_conversations=policy.baseline.daily_conversations,
        design_effect=design_effect,
        stages=tuple(
            StagePlan(
                span.stage,
                span,
                tuple(
                    (each, joint_pass(policy, span.stage, each, design_effect=design_effect))
                    for each in stage_blocks(policy, span.stage)[:_LOOKS_SHOWN]
                ),
            )
            for span in ramp
        ),
        gates=gates,
        test=test,
        weakest=_weakest(gates),
        stage_changes=tuple(stage_changes(policy, design_effect=design_effect)),
        gate_changes=tuple(gate_changes(policy, design_effect=design_effect)),
        intent_change=intent_change(policy, ramp, test, design_effect=design_effect),
    )


def _blindness(part: Resolution) -> tuple[bool, float]:
    """Parts without enough data first; then what is still passed, or what it takes to fail."""
    if part.refuses is None:
        return True, 0.0
    return False, part.refuses if part.tolerates is None else -part.tolerates


def _gate_plan(policy: CompiledPolicy, gate: Gate, design_effect: float) -> GatePlan:
    def after(seconds: int) -> GateTime:
        parts = resolve(policy, gate, seconds, design_effect=design_effect)
        passes = gate_pass(policy, gate, seconds, design_effect=design_effect)
        return GateTime(seconds, passes, parts or ())

    stage = policy.stages[gate.stage]
    at_minimum, at_maximum = after(stage.min_seconds), after(stage.max_seconds)
    return GatePlan(
        metric=gate.metric,
        measure=policy.metric(gate.metric).measure,
        stage=gate.stage,
        kind=gate.kind,
        scope=gate.scope,
        unit=gate.unit,
        limit=gate.limit,
        planned=at_maximum.passes is not None,
        at_minimum=at_minimum,
        at_maximum=at_maximum,
    )


def _weakest(gates: tuple[GatePlan, ...]) -> tuple[Weakest, ...]:
    """For each metric and stage with a gate by intent, the intent that it protects least."""
    found = []
    for gate in gates:
        part = gate.at_maximum.weakest
        if gate.scope == "intent" and part is not None:
            found.append(
                Weakest(gate.metric, gate.stage, part.part, gate.unit, gate.limit, part.refuses)
            )
    return tuple(found)
