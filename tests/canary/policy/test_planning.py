"""How likely an identical candidate passes, checked against a simulation of the gate itself."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from statistics import NormalDist

import pytest

from canary.policy.compiled import CompiledPolicy, Gate
from canary.policy.planning import LEAST_PLANNED, hopeless_gates, planned_pass

CSAT = Gate("csat", 3, "must_pass", "relative", -0.01)
COMPLETION = Gate("completion", 2, "must_pass", "points", -0.05, "revenue_critical")


def test_planned_probability_agrees_with_simulation(compiled: CompiledPolicy) -> None:
    """Testing simulated identical arms passes as often as planned."""
    small = replace(
        compiled,
        intents=(replace(compiled.intents[0], daily_volume=20_000.0),),
        baseline=replace(compiled.baseline, daily_conversations=20_000.0),
    )
    gate = Gate("completion", 3, "must_pass", "points", -0.01)
    seconds = 2 * 86_400 + 6 * 3_600
    planned = planned_pass(small, gate, seconds)
    assert planned is not None
    n, p, random = 20_000, small.baseline.completion, Random(7)
    z = NormalDist().inv_cdf(0.95)
    passed = 0
    for _ in range(2_000):
        deviation = (p * (1 - p) / n) ** 0.5
        control, canary = random.gauss(p, deviation), random.gauss(p, deviation)
        error = (control * (1 - control) / n + canary * (1 - canary) / n) ** 0.5
        passed += canary - control - z * error > gate.limit
    assert passed / 2_000 == pytest.approx(planned, abs=0.035)


def test_more_time_never_lowers_the_chance(compiled: CompiledPolicy) -> None:
    """A longer stage resolves a margin at least as well."""
    chances = [planned_pass(compiled, CSAT, hours * 3_600) for hours in (24, 30, 48, 96, 672)]
    assert None not in chances
    assert chances == sorted(chances, key=lambda chance: chance or 0)
    assert chances[0] == 0


def test_every_revenue_critical_intent_must_pass(compiled: CompiledPolicy) -> None:
    """Having to pass in several intents is less likely than in the largest of them alone."""
    seconds = 7 * 3_600
    largest = replace(compiled, intents=compiled.intents[:1])
    in_all, in_one = (planned_pass(each, COMPLETION, seconds) for each in (compiled, largest))
    assert in_all is not None
    assert in_one is not None
    assert in_all < in_one


def test_what_the_baseline_does_not_tell_is_not_planned(compiled: CompiledPolicy) -> None:
    """A metric whose baseline is unknown has no planned probability."""
    assert planned_pass(compiled, Gate("p99", 1, "must_pass", "relative", 0.1), 86_400) is None
    assert planned_pass(compiled, Gate("safety", 2, "must_pass", "points", 0.005), 86_400) is None


def test_sparse_sampling_makes_the_detector_slower(compiled: CompiledPolicy) -> None:
    """Fewer checked turns leave a smaller chance for the same margin."""
    gate = Gate("hallucination", 2, "must_pass", "points", 0.003)
    full = replace(compiled, detector=replace(compiled.detector, sampling=(1.0,) * 5))
    sparse, dense = (planned_pass(each, gate, 3_600) for each in (compiled, full))
    assert sparse is not None
    assert dense is not None
    assert sparse < dense


def test_a_small_region_makes_a_gate_hopeless(compiled: CompiledPolicy) -> None:
    """With a hundredth of the volume some gate cannot be proved in time, and is named."""
    small = replace(
        compiled,
        intents=tuple(
            replace(intent, daily_volume=intent.daily_volume / 100) for intent in compiled.intents
        ),
    )
    named = {gate.metric: chance for gate, chance in hopeless_gates(small)}
    assert "csat" in named
    assert all(chance < LEAST_PLANNED for chance in named.values())
