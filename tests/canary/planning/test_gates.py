"""What a gate resolves, against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from canary.planning.gates import gate_groups, gate_pass, resolve
from canary.planning.tails import LATENCY_SIGMA
from canary.policy.compiled import CompiledPolicy, Gate
from canary.statistics.quantile_ratio import quantile_interval, quantile_ratio

DAY, WINDOW = 86_400, 6 * 3_600
COMPLETION = Gate("completion", 3, "must_pass", "points", -0.01)


def test_a_gate_to_be_passed_by_hand(small: CompiledPolicy) -> None:
    """5,000 an arm: the error is sqrt(.1716 * 2 / 5000) = .0082849.

    P = Phi(.01 / .0082849 - 1.64485) = .3308; refused .01 - .0082849 * (1.64485 - .84162) =
    .003345; passed .01 - .0082849 * (1.64485 + .84162) = -.010600, an improvement.
    """
    found = resolve(small, COMPLETION, DAY + WINDOW)
    assert found is not None
    (part,) = found
    assert part.observations == pytest.approx(5_000)
    assert part.passes == pytest.approx(0.3308, abs=1e-4)
    assert part.refuses == pytest.approx(0.003345, abs=1e-6)
    assert part.tolerates == pytest.approx(-0.010600, abs=1e-6)


def test_a_gate_not_to_be_failed_by_hand(small: CompiledPolicy) -> None:
    """One intent at alpha .01: .01 + .0082849 * (2.32635 + .84162) = .036246."""
    gate = replace(COMPLETION, kind="must_not_fail", scope="intent")
    found = resolve(small, gate, DAY + WINDOW)
    assert found is not None
    assert found[0].refuses == pytest.approx(0.036246, abs=1e-6)
    assert found[0].tolerates is None


def test_more_intents_make_each_of_them_harder_to_fail(compiled: CompiledPolicy) -> None:
    """Holm's first step divides alpha by the ten intents."""
    gate = replace(COMPLETION, kind="must_not_fail", scope="intent")
    alone = replace(compiled, intents=compiled.intents[:1])
    ten, one = (resolve(each, gate, 2 * DAY) for each in (compiled, alone))
    assert ten is not None
    assert one is not None
    assert ten[0].part == one[0].part == "recommendation"
    assert (ten[0].refuses or 0) > (one[0].refuses or 0)


def test_a_design_effect_of_four_doubles_the_error(small: CompiledPolicy) -> None:
    """So does a quarter of the customers."""
    quarter = replace(small, intents=(replace(small.intents[0], daily_volume=2_500.0),))
    clustered = resolve(small, COMPLETION, DAY + WINDOW, design_effect=4)
    fewer = resolve(quarter, COMPLETION, DAY + WINDOW)
    assert clustered is not None
    assert fewer is not None
    assert clustered[0].passes == pytest.approx(fewer[0].passes)
    assert clustered[0].refuses == pytest.approx(fewer[0].refuses)


def test_relative_limits_are_resolved_in_their_own_unit(small: CompiledPolicy) -> None:
    """CSAT: 500 surveys an arm, error .9 * sqrt(2 / 500) = .056921; (.032 - .045721) / 3.2."""
    gate = Gate("csat", 3, "must_pass", "relative", -0.01)
    found = resolve(small, gate, 2 * DAY)
    assert found is not None
    assert found[0].observations == pytest.approx(500)
    assert found[0].refuses == pytest.approx((0.032 - 0.056921 * 0.80323) / 3.2, abs=1e-6)


def test_a_guardrail_s_level_is_held_by_its_estimate(small: CompiledPolicy) -> None:
    """A baseline at the limit is passed by half of identical candidates, beyond it by fewer."""
    gate = Gate("error", 3, "must_pass", "level", 0.005)
    at, beyond = (
        replace(small, baseline=replace(small.baseline, error_rate=rate)) for rate in (0.005, 0.006)
    )
    assert gate_pass(at, gate, DAY) == pytest.approx(0.5)
    assert (gate_pass(beyond, gate, DAY) or 0) < 0.05


def test_below_the_minimum_sample_nothing_is_resolved(small: CompiledPolicy) -> None:
    """5,000 an arm are fewer than 5,001; before the outcome window there is nobody at all."""
    gate = replace(COMPLETION, min_sample=5_001)
    for seconds in (DAY + WINDOW, WINDOW):
        found = resolve(small, gate, seconds)
        assert found is not None
        assert (found[0].passes, found[0].refuses, found[0].tolerates) == (0.0, None, None)


def test_scopes_have_their_parts(compiled: CompiledPolicy) -> None:
    """All intents; three tiers; ten intents; the four that are revenue-critical."""
    sizes = {
        scope: len(gate_groups(compiled, replace(COMPLETION, scope=scope)))
        for scope in ("overall", "tier", "intent", "revenue_critical")
    }
    assert sizes == {"overall": 1, "tier": 3, "intent": 10, "revenue_critical": 4}


def test_what_the_baseline_does_not_tell_is_not_resolved(compiled: CompiledPolicy) -> None:
    """How often the safety filter refuses stands in no baseline."""
    gate = Gate("safety", 2, "must_pass", "points", 0.005)
    assert resolve(compiled, gate, DAY) is None
    assert gate_pass(compiled, gate, DAY) is None


def test_a_ratio_of_p99s_agrees_with_a_simulation_of_the_gate(small: CompiledPolicy) -> None:
    """2,000 and 8,000 conversations: log error 1.867 * sqrt(1 / 2000 + 1 / 8000) = .0467.

    The bound is .087 beyond the estimate for the canary, .034 for control: together .093, so
    P = Phi((ln 1.1 - .093) / .0467) = .52; 400 simulated gates agree within three errors.
    """
    intent = replace(small.intents[0], rate=0.2)
    stages = tuple(replace(s, rate=0.2) if s.index == 1 else s for s in small.stages)
    policy = replace(small, intents=(intent,), stages=stages)
    planned = gate_pass(policy, Gate("p99", 1, "must_pass", "relative", 0.1), DAY)
    assert planned == pytest.approx(0.52, abs=0.02)
    rng = np.random.default_rng(11)
    passed = 0
    for _ in range(400):
        control, canary = (
            quantile_interval(
                n, np.sort(rng.lognormal(8, LATENCY_SIGMA, n))[::-1][:500], 0.99, 0.95
            )
            for n in (8_000, 2_000)
        )
        assert control is not None
        assert canary is not None
        passed += quantile_ratio(canary, control).upper <= 0.1
    assert passed / 400 == pytest.approx(planned, abs=0.075)


def test_a_p99_s_level_is_held_by_its_estimate_in_milliseconds(small: CompiledPolicy) -> None:
    """4,000 ms under 5,000: half of the candidates that are 1,000 ms slower are let by."""
    gate = Gate("p99", 3, "must_pass", "level", 5_000)
    found = resolve(small, gate, 4 * DAY)
    assert found is not None
    assert found[0].passes > 0.999
    assert (found[0].tolerates or 0) < 1_000 < (found[0].refuses or 0) < 1_200
