"""Metrics of the policy, with the gates and triggers that read them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from canary.policy.compiled import OnBreach, Scope, Unit
from canary.policy.duration import Duration
from canary.policy.part import Many, Name, Part, Positive

__all__ = ["COLUMNS", "COUNTERS", "GateRule", "MetricRule", "OfflineRule", "Target", "TriggerRule"]

COLUMNS: dict[str, frozenset[str]] = {
    "turns": frozenset(
        {
            "turns",
            "conversations",
            "error",
            "slow",
            "throttled",
            "fallback",
            "reassigned",
            "refused",
            "escalated",
            "intent_changed",
            "cache_hit",
            "tokens",
            "latency_ms",
        }
    ),
    "outcomes": frozenset(
        {
            "outcomes",
            "completed",
            "turns",
            "surveys",
            "csat",
            "offers",
            "clicked",
            "carts",
            "cart_abandoned",
        }
    ),
    "detector": frozenset(
        {
            "checked",
            "hallucinated",
            "language_correct",
            "names",
            "name_correct",
            "japanese_names",
            "name_preserved",
            "honorifics",
            "honorific_correct",
        }
    ),
    "offline": frozenset(),
}
"""What a metric's numerator and denominator may name, by the metric's source."""

COUNTERS: dict[str, int] = {
    "Requests": 60,
    "Errors": 60,
    "SlowRequests": 60,
    "Throttles": 60,
    "Hallucinations": 300,
    "TurnsChecked": 300,
}
"""What a rate trigger may count, and its shortest window in seconds.

The API's tasks publish their counts as rolling 60-second counts too; the detector's do not exist
in that form.
"""


class Target(Part):
    """What a better model is hoped to bring."""

    unit: Unit = Field(description="the unit of the target; there is no default")
    value: float = Field(description="the hoped-for change, signed")


class GateRule(Part):
    """What must hold to leave the stages it names."""

    leaving: Many[int] = Field(min_length=1, description="the stages it guards, as [1, 2, 3]")
    scopes: Many[Scope] = Field(
        default=("overall",), min_length=1, description="what it is judged over"
    )
    kind: Literal["must_pass", "must_not_fail"] = Field(
        description="must_pass is proved, must_not_fail is not disproved"
    )
    unit: Unit = Field(description='"level", "points", "relative" or "score"; there is no default')
    limit: float = Field(description="the limit, signed in the metric's own direction")
    min_sample: int = Field(
        default=0, ge=0, description="conversations an arm below which there is no verdict"
    )


class TriggerRule(Part):
    """An alarm on the metric."""

    name: Name = Field(description="the alarm's name, unique in the policy")
    statistic: Literal["rate", "harm"] = Field(
        description='"rate" (two counters) or "harm" (a published lower bound of harm)'
    )
    unit: Unit = Field(description='"level", "points", "relative" or "score"; there is no default')
    threshold: Positive = Field(description="what the bound must not exceed; harm is positive")
    windows: Many[Duration] = Field(min_length=1, description='rising windows, as ["60s", "5m"]')
    on_breach: OnBreach = Field(description='"rollback" or "pause"')
    numerator: str = Field(default="", description="the counter of events, for a rate")
    denominator: str = Field(default="", description="the counter of chances, for a rate")
    min_events: int = Field(default=5, ge=1, description="events below which it stays silent")
    z: float = Field(default=3.09, ge=1.64, le=6, description="the bound's normal quantile")
    ratio_to_control: float = Field(
        default=2.0, ge=1, description="how many times the control's rate it must be"
    )
    z_to_control: float = Field(
        default=4.5, ge=1.64, le=8, description="how many standard errors above the control's"
    )
    escalate_after: Duration | None = Field(
        default=None, description="how long a pause may stay in alarm before it is a rollback"
    )


class MetricRule(Part):
    """How a metric is measured, and what is asked of it."""

    name: Name = Field(description="the metric's name, unique in the policy")
    role: Literal["guardrail", "success", "observational", "regional"] = Field(
        description="what the metric is for"
    )
    source: Literal["turns", "outcomes", "detector", "offline"] = Field(
        description='where it is read: "turns", "outcomes", "detector" or "offline"'
    )
    measure: Literal["rate", "mean", "quantile"] = Field(
        description='"rate", "mean" or "quantile" (the P99)'
    )
    better: Literal["higher", "lower"] = Field(description='"higher" or "lower"')
    numerator: str = Field(default="", description="a column of the source")
    denominator: str = Field(default="", description="a column of the source")
    outcome_window: Duration = Field(
        default=0, description="how old a conversation must be before it counts"
    )
    target: Target | None = None
    gates: Many[GateRule] = ()
    triggers: Many[TriggerRule] = ()


class OfflineRule(Part):
    """A score of the offline evaluation that must be reached before any traffic."""

    metric: str = Field(description="a metric of the policy")
    limit: float = Field(description="the score itself, in the metric's better direction")
