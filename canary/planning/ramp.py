"""The ramp as it is planned: how long each stage lasts, and what it gives a test.

A stage ends with the first of its blocks in which an identical candidate passes every gate that
can be planned with probability .8; a block is the stage's minimum, as the progression looks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from canary.planning.gates import POWER, gate_pass
from canary.policy.compiled import CompiledPolicy, Intent
from canary.routing.rates import rate

__all__ = ["Span", "information", "joint_pass", "planned_ramp", "stage_blocks"]

_DAY = 86_400.0


@dataclass(frozen=True)
class Span:
    """A stage in the plan: from `start` to `end`, seconds since first exposure.

    `passes` is the probability that an identical candidate passes all its gates by then.
    """

    stage: int
    start: float
    end: float
    passes: float


def planned_ramp(policy: CompiledPolicy, *, design_effect: float = 1.0) -> tuple[Span, ...]:
    """Every stage with traffic in both arms; the last of them lasts until the test's end."""
    spans: list[Span] = []
    start = 0.0
    last = len(policy.stages) - 2
    for index in range(1, last + 1):
        if index == last:
            end = max(policy.statistics.test_seconds, start + policy.stages[index].min_seconds)
            passes = joint_pass(policy, index, end - start, design_effect=design_effect)
            spans.append(Span(index, start, float(end), passes))
            break
        blocks = stage_blocks(policy, index)
        chances = [joint_pass(policy, index, each, design_effect=design_effect) for each in blocks]
        chosen = next((k for k, each in enumerate(chances) if each >= POWER), len(blocks) - 1)
        spans.append(Span(index, start, start + blocks[chosen], chances[chosen]))
        start += blocks[chosen]
    return tuple(spans)


def stage_blocks(policy: CompiledPolicy, stage: int) -> tuple[int, ...]:
    """The ends of a stage's blocks, in seconds since it began: its minimum, again and again."""
    step = policy.stages[stage]
    count = max(1, step.max_seconds // max(step.min_seconds, 1))
    return tuple(step.min_seconds * (k + 1) for k in range(count))


def joint_pass(
    policy: CompiledPolicy, stage: int, seconds: float, *, design_effect: float = 1.0
) -> float:
    """P(all must_pass gates PASS | identical), of those gates that can be planned.

    Metrics are taken for independent, which is cautious where they move together. Gates of one
    metric read the same data, so only the least likely of them counts.
    """
    by_metric: dict[str, float] = {}
    for gate in policy.gates:
        if gate.stage != stage or gate.kind != "must_pass":
            continue
        chance = gate_pass(policy, gate, seconds, design_effect=design_effect)
        if chance is not None:
            by_metric[gate.metric] = min(chance, by_metric.get(gate.metric, 1.0))
    return math.prod(by_metric.values())


def information(
    policy: CompiledPolicy,
    ramp: tuple[Span, ...],
    intents: tuple[Intent, ...],
    seconds: float,
    *,
    variance: float,
    per_conversation: float = 1.0,
) -> float:
    """1 / variance of the stratified difference, from outcomes matured by `seconds`.

    `seconds` is since first exposure, the outcome window already taken off; `variance` is that of
    one observation, times the design effect. The last span goes on for as long as is asked.
    """
    total = 0.0
    for span in ramp:
        end = math.inf if span is ramp[-1] else span.end
        days = max(0.0, min(seconds, end) - span.start) / _DAY
        for intent in intents:
            share = rate(policy, span.stage, intent.name)
            total += intent.daily_volume * days * share * (1 - share)
    return total * per_conversation / variance
