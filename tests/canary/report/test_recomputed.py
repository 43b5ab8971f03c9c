"""The report's figures against a recomputation from the raw events, which shares no code."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import pytest

from canary.decision.engine import evaluate
from canary.decision.record import LookRecord
from canary.report.document import report_document
from tests.canary.report.duck import END, STAGES, Conversation, Scene, scene

WINDOW = 6 * 3600.0
"""The outcome window of completion in the sample policy."""


@pytest.fixture(scope="module")
def made() -> Scene:
    return scene()


@pytest.fixture(scope="module")
def document(made: Scene) -> dict[str, Any]:
    """A look and a report over the same events, by the deployed queries."""
    state = made.state()
    facts = made.facts.read(state, made.policy, END, {})
    decision = evaluate(made.policy, state, facts, asked_stage=3)
    record = LookRecord(state, facts, 3, decision.to_exact_dict())
    evidence = made.evidence.read(state, made.policy, END)
    return report_document(state, (record,), at=END, evidence=evidence)


def completed(found: Conversation) -> bool:
    in_time = found.resolved is not None and found.resolved <= found.started + WINDOW
    return in_time and found.completed


def by_stratum(
    conversations: list[Conversation],
) -> dict[tuple[str, float], dict[str, dict[str, tuple[int, int]]]]:
    """For each stratum and probability, each arm's customers with (conversations, completed)."""
    found: dict[Any, Any] = defaultdict(lambda: {"control": {}, "canary": {}})
    for each in conversations:
        if each.started > END - WINDOW:
            continue
        customers = found[each.stratum, each.p_canary][each.arm]
        n, y = customers.get(each.unit, (0, 0))
        customers[each.unit] = (n + 1, y + completed(each))
    return dict(found)


def effect(conversations: list[Conversation]) -> tuple[float, float]:
    """The stratified difference and its error, each customer's residual about the common rate."""
    numerator = denominator = variance = 0.0
    for arms in by_stratum(conversations).values():
        if min(len(customers) for customers in arms.values()) < 2:
            continue
        n = {arm: sum(n for n, _ in customers.values()) for arm, customers in arms.items()}
        y = {arm: sum(y for _, y in customers.values()) for arm, customers in arms.items()}
        weight = n["control"] * n["canary"] / (n["control"] + n["canary"])
        rate = (y["control"] + y["canary"]) / (n["control"] + n["canary"])
        numerator += weight * (y["canary"] / n["canary"] - y["control"] / n["control"])
        denominator += weight
        for arm, customers in arms.items():
            residuals = sum((own_y - rate * own_n) ** 2 for own_n, own_y in customers.values())
            size = len(customers)
            variance += weight**2 * size / (size - 1) * residuals / n[arm] ** 2
    return numerator / denominator, math.sqrt(variance) / denominator


def test_effect_error_and_counts_of_the_course(made: Scene, document: dict[str, Any]) -> None:
    """The last point is what the events say, computed customer by customer."""
    estimate, error = effect(made.conversations)
    point = document["primary"]["course"][-1]
    assert point["estimate"] == pytest.approx(estimate, rel=1e-12)
    assert point["error"] == pytest.approx(error, rel=1e-12)
    ripe = [each for each in made.conversations if each.started <= END - WINDOW]
    for arm in ("control", "canary"):
        assert point[f"n_{arm}"] == sum(each.arm == arm for each in ripe)
    assert abs(estimate) > error / 10, "the scene says something"


def test_look_of_the_test(made: Scene, document: dict[str, Any]) -> None:
    """Z is the effect over its error, as the one look of the test was decided."""
    estimate, error = effect(made.conversations)
    (look,) = document["primary"]["looks"]
    assert look["z"] == pytest.approx(estimate / error, rel=1e-9)
    assert look["estimate"] == pytest.approx(estimate, rel=1e-9)
    assert look["upper"] - look["estimate"] == pytest.approx(look["bound"] * error, rel=1e-9)


def test_forest_by_intent(made: Scene, document: dict[str, Any]) -> None:
    """Each intent's effect comes from its own conversations only."""
    rows = {row["name"]: row for row in document["forests"][0]["rows"] if row["scope"] == "intent"}
    for intent in ("faq", "recommendation", "return_request"):
        own = [each for each in made.conversations if each.stratum == intent]
        assert rows[intent]["estimate"] == pytest.approx(effect(own)[0], rel=1e-9)
        ripe = [each for each in own if each.started <= END - WINDOW]
        assert rows[intent]["n_canary"] == sum(each.arm == "canary" for each in ripe)


def test_draws_are_counted_once_a_customer(made: Scene, document: dict[str, Any]) -> None:
    """Customers of each stage by their first draw, whatever they did later."""
    for row in document["ramp"]["stages"]:
        own = {(each.unit, each.arm) for each in made.conversations if each.stage == row["stage"]}
        for arm in ("control", "canary"):
            assert row[arm] == sum(drawn == arm for _, drawn in own)


def test_sensitivity_leaves_out_the_moved_and_no_others(
    made: Scene, document: dict[str, Any]
) -> None:
    """The decided effect keeps them; the source's exclusion is computed beside it."""
    stayed = [each for each in made.conversations if not each.moved]
    assert len(stayed) < len(made.conversations)
    found = document["exclusions"]
    assert found["sensitivity"]["estimate"] == pytest.approx(effect(stayed)[0], rel=1e-9)
    assert found["all_drawn"]["estimate"] == pytest.approx(effect(made.conversations)[0], rel=1e-9)
    assert found["decided_on"] == found["all_drawn"]


def test_conduct_counts_what_happened_in_each_arm(made: Scene, document: dict[str, Any]) -> None:
    """Customers, conversations, turns and moves by the arm drawn; the undrawn are in none."""
    for row in document["exclusions"]["arms"]:
        own = [each for each in made.conversations if each.arm == row["arm"]]
        turns = sum(len(each.latencies) for each in own)
        moved = [each for each in own if each.moved]
        assert row["customers"] == len({each.unit for each in own})
        assert row["conversations"] == len(own)
        assert row["turns"] == turns
        assert row["reassigned"] == len(moved)
        assert row["fallback_share"] == sum(len(each.latencies) for each in moved) / turns
    assert document["exclusions"]["undrawn"] == made.undrawn == 5


def test_quantiles_are_order_statistics(made: Scene, document: dict[str, Any]) -> None:
    """The value at q is the smallest that at least q of the arm's conversations do not exceed."""
    for row in document["spreads"]["latency"]["arms"]:
        own = sorted(max(e.latencies) for e in made.conversations if e.arm == row["arm"])
        assert row["n"] == len(own)
        for name, q in (("p50", 500), ("p90", 900), ("p95", 950), ("p99", 990)):
            assert row[name] == own[-(-len(own) * q // 1000) - 1]
    for row in document["spreads"]["tokens"]["arms"]:
        own = sorted(e.tokens * len(e.latencies) for e in made.conversations if e.arm == row["arm"])
        assert row["p50"] == own[-(-len(own) // 2) - 1]


def test_samples_are_of_both_arms_and_redacted(made: Scene, document: dict[str, Any]) -> None:
    """Each is a conversation of its arm, with its turns, and no number to call."""
    known = {each.name: each for each in made.conversations}
    for arm in ("control", "canary"):
        shown = document["samples"][arm]
        assert len(shown) == 4
        for sample in shown:
            found = known[sample["conversation"]]
            assert (found.arm, found.stratum, found.stage) == (arm, sample["intent"], 3)
            assert [turn["latency_ms"] for turn in sample["turns"]] == found.latencies
            assert sample["turns"][0]["answer"] == "Yes, it ships to [number]."
            known_yet = found.resolved is not None and found.resolved <= END
            assert sample["completed"] == (found.completed if known_yet else None)


def test_scene_covers_every_stage(made: Scene) -> None:
    """The comparison is over a ramp, not over one stage."""
    assert {each.stage for each in made.conversations} == set(STAGES)
