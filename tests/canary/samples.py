"""One policy and one release that the domain's tests start from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from canary.policy.compiled import (
    Baseline,
    Checks,
    CompiledPolicy,
    Detector,
    Gate,
    Intent,
    Metric,
    Model,
    OfflineGate,
    Promotion,
    Stage,
    Statistics,
    Trigger,
)
from canary.release.model import Phase, ReleaseState

HOUR = 3600
DAY = 24 * HOUR

VOLUMES = {
    "recommendation": (72_000, True, "high", 0.05),
    "product_discovery": (48_000, True, "high", 0.05),
    "faq": (45_000, False, "high", 0.05),
    "product_question": (36_000, True, "medium", 0.10),
    "order_tracking": (30_000, False, "medium", 0.10),
    "checkout_help": (24_000, True, "medium", 0.10),
    "return_request": (18_000, False, "low", 0.25),
    "promotion": (12_000, False, "low", 0.25),
    "chitchat": (9_000, False, "low", 0.25),
    "escalation": (6_000, False, "low", 0.25),
}


def metric(name: str, **changes: Any) -> Metric:
    """A rate per turn, lower is better, unless changed."""
    values: dict[str, Any] = {
        "role": "guardrail",
        "measure": "rate",
        "source": "turns",
        "numerator": name,
        "denominator": "turns",
        "better": "lower",
    }
    return Metric(name=name, **{**values, **changes})


def policy(**changes: Any) -> CompiledPolicy:
    """The default ramp with a few gates, triggers and the 14-day test."""
    values: dict[str, Any] = {
        "name": "test",
        "region": "us-east-1",
        "timezone": "America/New_York",
        "wave": 1,
        "routing": "application",
        "slow_ms": 8000,
        "models": (Model("model-a"), Model("model-b")),
        "stages": (
            Stage(0, 0.0, 20, 0, 0),
            Stage(1, 0.05, 20, 4 * HOUR, 24 * HOUR),
            Stage(2, 0.25, 40, 24 * HOUR, 96 * HOUR),
            Stage(3, 0.50, 70, 48 * HOUR, 28 * DAY),
            Stage(4, 1.0, 100, 0, 0),
        ),
        "intents": tuple(
            Intent(name, volume, critical, 0.1, tier, rate, 1)
            for name, (volume, critical, tier, rate) in VOLUMES.items()
        ),
        "metrics": (
            metric("error"),
            metric("p99", measure="quantile", numerator="latency_ms", denominator="conversations"),
            metric(
                "hallucination",
                source="detector",
                numerator="hallucinated",
                denominator="checked",
            ),
            metric(
                "completion",
                role="success",
                source="outcomes",
                numerator="completed",
                denominator="outcomes",
                better="higher",
                outcome_window_seconds=6 * HOUR,
            ),
            metric(
                "csat",
                role="success",
                measure="mean",
                source="outcomes",
                denominator="surveys",
                better="higher",
            ),
        ),
        "gates": (
            Gate("error", 1, "must_pass", "level", 0.005),
            Gate("error", 1, "must_pass", "points", 0.0025),
            Gate("completion", 2, "must_pass", "points", -0.05),
            Gate("completion", 3, "must_not_fail", "points", -0.05),
            Gate("completion", 3, "must_not_fail", "points", -0.05, scope="intent"),
        ),
        "triggers": (
            Trigger(
                "error",
                "error",
                "rate",
                "level",
                0.02,
                (60, 300),
                "rollback",
                "Errors",
                "Requests",
            ),
            Trigger(
                "hallucination",
                "hallucination",
                "rate",
                "level",
                0.03,
                (300, 1800),
                "pause",
                "Hallucinations",
                "TurnsChecked",
                escalate_after_seconds=1800,
            ),
            Trigger(
                "completion",
                "completion",
                "harm",
                "points",
                0.05,
                (6 * HOUR,),
                "pause",
                escalate_after_seconds=12 * HOUR,
            ),
        ),
        "offline_gates": (
            OfflineGate("bert_score", 0.80, "higher"),
            OfflineGate("hallucination", 0.03, "lower"),
        ),
        "detector": Detector(0.9, 0.995, (1.0, 1.0, 0.1, 0.05, 0.05)),
        "promotion": Promotion(HOUR, 7 * DAY),
        "statistics": Statistics(
            primary_metric="completion",
            hypothesis="superiority",
            margin=0.01,
            min_effect=0.01,
            alpha=0.05,
            test_seconds=14 * DAY,
            looks_seconds=(2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY),
            harm_alpha_overall=0.0025,
            harm_alpha_revenue=0.0025,
            harm_min_outcomes=100,
            gate_confidence=0.95,
            intent_alpha=0.01,
            srm_alpha=0.0005,
            bake_poll_seconds=1800,
            shared_lift_seconds=600,
            shared_rollback_seconds=600,
            silence_seconds=300,
        ),
        "checks": Checks(0.005, 0.05, 0.05, 48 * HOUR, 0.01, 7 * DAY, 0.001, 0.02),
        "calendar": (),
        "baseline": Baseline(0.002, 4000, 0.015, 3.2, 0.9, 0.1, 0.78, 0.12, 0.7, 0.1, 4.0, 300_000),
    }
    return CompiledPolicy.from_json(CompiledPolicy(**{**values, **changes}).to_json())


def release(of: CompiledPolicy | None = None, **changes: Any) -> ReleaseState:
    """A release just admitted."""
    of = of or policy()
    state = ReleaseState(
        release_id="r1",
        test_id="t1",
        candidate="model-b",
        control="model-a",
        region=of.region,
        phase=Phase.ADMITTED,
        policy=of.to_json(),
        policy_digest=of.digest,
        admitted_at=0.0,
        execution_arn="arn:execution",
        version=1,
    )
    return replace(state, **changes)
