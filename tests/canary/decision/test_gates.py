"""Verdicts of gates by unit and scope."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from canary.decision.facts import Cell, Facts, LatencyTail
from canary.decision.gates import gate_verdicts
from canary.decision.verdicts import Verdict, VerdictKind
from canary.policy.compiled import CompiledPolicy, Gate
from tests.canary.decision.looks import binary, cells, facts, policy
from tests.canary.samples import VOLUMES, metric

P99 = Gate("p99", 1, "must_pass", "relative", 0.10)


def verdicts(gate: Gate, known: Facts, of: CompiledPolicy | None = None) -> tuple[Verdict, ...]:
    """The verdicts of one gate."""
    return gate_verdicts(replace(of or policy(), gates=(gate,)), 1, known)


def tail(seed: int, n: int, factor: float = 1.0) -> LatencyTail:
    """Latencies of `n` conversations, slowest first."""
    values = np.random.default_rng(seed).lognormal(7, 0.3, n) * factor
    return LatencyTail(n, tuple(np.sort(values)[::-1][: 50 + n // 30].tolist()))


def test_a_ramp_is_not_taken_for_an_effect() -> None:
    """Two stages with other rates and other customers: each equal, the pool far apart."""
    data = []
    for stage, p, share in ((1, 0.05, 0.9), (2, 0.25, 0.6)):
        for arm, n in (("control", 20_000 * (1 - p)), ("canary", 20_000 * p)):
            data.append(Cell("faq", p, stage, arm, {"completion": binary(n, share)}))
    (found,) = verdicts(Gate("completion", 1, "must_pass", "points", -0.05), facts(0, tuple(data)))
    assert found.kind is VerdictKind.PASS
    assert abs(found.estimate) < 1e-9


def test_latency_is_judged_by_the_ratio_of_tails() -> None:
    """Equal arms pass, a half slower canary fails, a few hundred conversations say nothing."""
    control = tail(1, 20_000)
    for canary, kind in (
        (tail(2, 20_000), VerdictKind.PASS),
        (tail(2, 20_000, 1.5), VerdictKind.FAIL),
        (tail(2, 298), VerdictKind.INCONCLUSIVE),
    ):
        known = facts(0, latency={"control": control, "canary": canary})
        assert verdicts(P99, known)[0].kind is kind
    assert verdicts(P99, facts(0))[0].kind is VerdictKind.INCONCLUSIVE


def test_a_guardrails_level_is_held_by_its_estimate() -> None:
    """Below the level passes though its bound is above; proved above fails."""
    gate = Gate("error", 1, "must_pass", "level", 0.005)
    for share, kind in (
        (0.0045, VerdictKind.PASS),
        (0.0055, VerdictKind.INCONCLUSIVE),
        (0.02, VerdictKind.FAIL),
    ):
        data = cells(3000, canary={"error": share})
        assert verdicts(gate, facts(0, data))[0].kind is kind


def test_a_regions_level_must_be_proved() -> None:
    """Names at 99.2% of 400 are not proof of 99%; of 40,000 they are."""
    of = policy(metrics=(*policy().metrics, metric("names", role="regional", better="higher")))
    gate = Gate("names", 1, "must_pass", "level", 0.99)
    for each, kind in ((400, VerdictKind.INCONCLUSIVE), (40_000, VerdictKind.PASS)):
        data = cells(each, canary={"names": 0.992}, control={"names": 0.992})
        assert verdicts(gate, facts(0, data), of)[0].kind is kind


def test_the_detectors_mistakes_are_corrected() -> None:
    """A flagged difference of .9 points at 90% sensitivity is one of about a point."""
    gate = Gate("hallucination", 1, "must_not_fail", "points", 0.01)
    data = cells(50_000, control={"hallucination": 0.020}, canary={"hallucination": 0.029})
    (found,) = verdicts(gate, facts(0, data))
    assert abs(found.estimate - 0.009 / 0.895) < 1e-6


def test_each_revenue_critical_intent_must_pass() -> None:
    """One verdict each, and one bad intent is one FAIL."""
    gate = Gate("completion", 1, "must_pass", "points", -0.05, scope="revenue_critical")
    data = cells(20_000, changed={"checkout_help": {"completion": 0.68}})
    found = {verdict.scope: verdict.kind for verdict in verdicts(gate, facts(0, data))}
    assert len(found) == 4
    assert found.pop("intent:checkout_help") is VerdictKind.FAIL
    assert set(found.values()) == {VerdictKind.PASS}


def test_intents_are_judged_by_holm_and_small_ones_in_their_tier() -> None:
    """Under the minimum sample an intent has no verdict of its own."""
    data = cells(3000, changed={"chitchat": {"completion": 0.55}})
    intent = Gate("completion", 1, "must_not_fail", "points", -0.05, scope="intent", min_sample=500)
    found = {verdict.scope: verdict for verdict in verdicts(intent, facts(0, data))}
    assert set(found) == {f"intent:{name}" for name in VOLUMES}
    assert found["intent:chitchat"].kind is VerdictKind.FAIL
    assert found["intent:recommendation"].kind is VerdictKind.INCONCLUSIVE
    assert "fewer than 500" in found["intent:recommendation"].sentence
    tier = replace(intent, scope="tier", min_sample=300)
    pools = {verdict.scope: verdict.n_canary for verdict in verdicts(tier, facts(0, data))}
    assert pools == {"tier:high": 450.0, "tier:medium": 900.0, "tier:low": 3000.0}


def test_holm_tries_the_next_intent_at_a_wider_alpha() -> None:
    """An intent that misses alpha / m fails once the clearer failures are out of the way."""
    changed: dict[str, Any] = {name: {"completion": 0.5} for name in VOLUMES if name != "chitchat"}
    gate = Gate("completion", 1, "must_not_fail", "points", -0.05, scope="intent")

    def chitchat(harm: float, others: dict[str, Any]) -> VerdictKind:
        data = cells(4000, changed={**others, "chitchat": {"completion": 0.78 - harm}})
        found = {verdict.scope: verdict.kind for verdict in verdicts(gate, facts(0, data))}
        return found["intent:chitchat"]

    between = [
        harm
        for harm in np.arange(0.08, 0.12, 0.001)
        if chitchat(harm, {}) is VerdictKind.INCONCLUSIVE
        and chitchat(harm, changed) is VerdictKind.FAIL
    ]
    assert between


def test_identical_arms_seldom_fail_an_intent_gate_at_its_margin() -> None:
    """Of 300 simulated looks at arms exactly at the limit, at most a few percent fail anywhere."""
    rng = np.random.default_rng(9)
    gate = Gate("completion", 1, "must_not_fail", "points", -0.05, scope="intent")
    failed = 0
    for _ in range(300):
        data = tuple(
            Cell(
                name,
                0.25,
                1,
                arm,
                {"completion": binary(n, rng.binomial(n, share) / n)},
            )
            for name in VOLUMES
            for arm, n, share in (("control", 1500, 0.78), ("canary", 500, 0.73))
        )
        failed += any(v.kind is VerdictKind.FAIL for v in verdicts(gate, facts(0, data)))
    assert failed / 300 <= 0.03
