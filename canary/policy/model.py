"""The whole release policy as its file states it.

Here stands what each key may hold; what must hold between keys is in `canary.policy.checks`.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from canary.policy.bandits import BanditsRule
from canary.policy.duration import Duration
from canary.policy.metric import GateRule, MetricRule, OfflineRule
from canary.policy.part import Fraction, Many, Name, Part, Positive

__all__ = [
    "AntiFlappingRule",
    "BaselineRule",
    "ChecksRule",
    "ClosureRule",
    "Composite",
    "DetectorRule",
    "ExperimentTier",
    "IntentRule",
    "LedgerRule",
    "MinimumTest",
    "ModelRule",
    "Policy",
    "PromotionRule",
    "RateTier",
    "Region",
    "RegionGate",
    "StageRule",
    "StatisticsRule",
    "Watch",
]

Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[int, Field(ge=0, le=100)]
Fdr = Annotated[float, Field(gt=0, le=0.2)]
HarmAlpha = Annotated[float, Field(gt=0, le=0.005)]


class RegionGate(GateRule):
    """A gate that holds in one region only."""

    metric: str = Field(description="a metric of the policy")


class ModelRule(Part):
    """A model that may be released in a region."""

    id: str = Field(
        pattern=r"^[a-z0-9-]+(\.[A-Za-z0-9-]+)+(:\d+)?$",
        description="a model's or an inference profile's id, as \"anthropic.claude-v2:1\"",
    )
    destinations: Many[str] = Field(
        default=(), description="of an inference profile: every region it may answer from"
    )


class Region(Part):
    """Where the assistant runs, and what is asked of a release there besides the rest."""

    name: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description='a region, as "us-east-1"')
    wave: int = Field(ge=1, description="1 for the first regions; a wave waits for the one before")
    zones: Many[str] = Field(description="at least three availability zones of the region")
    timezone: str = Field(description='a time zone, as "Asia/Tokyo"')
    daily_conversations: Positive = Field(description="conversations a day in the region")
    models: Many[ModelRule] = Field(
        min_length=1,
        description="the models that may be released there; a new region has the first",
    )
    gates: Many[RegionGate] = ()
    offline_gates: Many[OfflineRule] = ()


class StageRule(Part):
    """One step of the ramp."""

    rate: Share = Field(description="the canary's share, a fraction of one")
    task_percent: Percent = Field(description="the canary set's size, 0 to 100")
    minimum: Duration = Field(default=0, description="how long it lasts at least")
    maximum: Duration = Field(default=0, description="how long it lasts at most")


class Composite(Part):
    """The composite over intents."""

    others: Share = Field(description="the weight that intents without one share by volume")


class IntentRule(Part):
    """One kind of question."""

    name: Name = Field(description="the intent's name, unique in the policy")
    daily_volume: Positive = Field(description="conversations a day; only the mix counts")
    revenue_critical: bool = Field(default=False, description="true or false")
    weight: Share | None = Field(default=None, description="its part of the composite")
    cached: bool = Field(default=False, description="true or false")


class RateTier(Part):
    """Intents drawn at one rate."""

    name: Literal["high", "medium", "low"] = Field(description="the tier of traffic")
    rate: Fraction = Field(description="the canary's share, a fraction of one")
    intents: Many[str] = Field(description="intents of the policy, each in exactly one tier")


class ExperimentTier(Part):
    """Intents whose variants are tried in one way between releases."""

    tier: Literal[1, 2, 3] = Field(description="1 A/B test, 2 Thompson sampling, 3 bandit")
    intents: Many[str] = Field(description="intents of the policy, each in exactly one tier")


class MinimumTest(Part):
    """How long a test lasts at least, by the most demanding intent it touches."""

    standard: Duration
    revenue_critical: Duration
    low_traffic: Duration
    low_traffic_below: Positive = Field(description="conversations a day")
    promotion: Duration = Field(
        default=14 * 86_400, description="how long a test lasts that a promotion falls into"
    )


class StatisticsRule(Part):
    """The confirmatory test, the harm sequence and the checks beside them."""

    primary_metric: str = Field(description="a success metric of the policy")
    hypothesis: Literal["superiority", "non_inferiority"]
    margin: Positive = Field(description="the non-inferiority margin in points, above 0")
    min_effect: float = Field(ge=0, description="the least point estimate of a superior candidate")
    alpha: Annotated[float, Field(gt=0, le=0.10)] = Field(description="two-sided, over all looks")
    looks: Many[Duration] = Field(min_length=1, description="rising times since first exposure")
    minimum_test: MinimumTest
    harm_alpha_overall: HarmAlpha = Field(description="one-sided, always valid")
    harm_alpha_revenue_critical: HarmAlpha = Field(description="one-sided, over those intents")
    harm_min_outcomes: int = Field(ge=1, description="matured outcomes an arm")
    gate_confidence: Annotated[float, Field(ge=0.5, lt=1)] = Field(description="one-sided")
    intent_alpha: Annotated[float, Field(gt=0, le=0.10)] = Field(description="over intents")
    srm_alpha: Annotated[float, Field(gt=0, le=0.01)] = Field(description="over the whole release")


class ChecksRule(Part):
    """What holds or extends a release although no gate fails."""

    composite_margin: Fraction = Field(description="relative; between 0 and 1")
    mixed_alpha: Annotated[float, Field(gt=0, le=0.10)] = Field(description="one-sided")
    mixed_harm: Fraction = Field(description="points; between 0 and 1")
    mixed_hold: Annotated[Duration, Field(ge=1)] = Field(description="to find the root cause")
    weekday_alpha: Annotated[float, Field(gt=0, le=0.05)] = Field(description="of each scope")
    extension: Annotated[Duration, Field(ge=1)] = Field(description="granted once a reason")
    response_alpha: Annotated[float, Field(gt=0, le=0.01)] = Field(description="two-sided")
    response_gap: Fraction = Field(description="relative; between 0 and 1")


class LedgerRule(Part):
    """How many of a year's promotions may be false."""

    fdr: Literal["lord", "bh", "alpha_investing"] = Field(
        description="LORD++, Benjamini-Hochberg over a window, or Foster-Stine"
    )
    q_revenue_critical: Fdr = Field(description="of tests on revenue-critical intents")
    q_other: Fdr = Field(description="of all other tests")
    lord_start: Fraction = Field(description="LORD++'s first wealth, a share of q")
    bh_window: Annotated[Duration, Field(ge=86_400)] = Field(description="older tests stand")
    w0: Fdr = Field(description="alpha investing's first wealth")
    payout: Fdr = Field(description="what a rejection earns in alpha investing")
    review: Annotated[Duration, Field(ge=86_400)] = Field(description="what a review looks back on")


class AntiFlappingRule(Part):
    """What a rollback of the canary's own fault asks of whatever is released next (A10)."""

    cooldown: Annotated[Duration, Field(ge=1)] = Field(description="nothing starts this long")
    rollbacks: int = Field(ge=2, le=10, description="this many reject a candidate for good")
    window: Annotated[Duration, Field(ge=1)] = Field(description="within so long of each other")
    hold_after_rollback: Annotated[Duration, Field(ge=1)] = Field(
        description="the first stage's minimum in the release after a rollback"
    )


class ClosureRule(Part):
    """Days in which no release starts and no test ends."""

    name: str = Field(min_length=1, description="what happens then")
    first: dt.date = Field(strict=False, description="the first day, as 2026-12-01")
    last: dt.date = Field(strict=False, description="the last day, as 2026-12-24")
    regions: Many[str] = Field(default=(), description="regions of the policy; absent: all")


class Watch(Part):
    """How often a bake decides, and how long incidents may last."""

    bake_poll: Annotated[Duration, Field(ge=1)] = Field(description="between two decisions")
    shared_lift: Annotated[Duration, Field(ge=1)] = Field(description="both arms well this long")
    shared_rollback: Annotated[Duration, Field(ge=1)] = Field(description="both arms ill this long")
    silence: Annotated[Duration, Field(ge=1)] = Field(description="no canary request this long")


class DetectorRule(Part):
    """The hallucination detector's operating point and its sampling."""

    sensitivity: Annotated[float, Field(gt=0.5, le=1)] = Field(description="true alarms caught")
    specificity: Annotated[float, Field(gt=0.5, le=1)] = Field(description="good answers passed")
    sampling: Many[Share] = Field(description="the share of turns checked, one a stage")


class EvaluationRule(Part):
    """How the offline gate measures a candidate before any traffic."""

    fresh_for: Annotated[Duration, Field(ge=1)] = Field(
        default=7 * 86_400, description="a job's answers are used again this long after its start"
    )
    longest: Annotated[Duration, Field(ge=1)] = Field(
        default=6 * 3_600, description="a job that takes longer is stopped: no result"
    )
    poll: Annotated[Duration, Field(ge=1)] = Field(
        default=600, description="the wait between two looks at a job"
    )
    intent_floor: Share = Field(
        default=0.5, description="the least share of an intent's prompts answered right"
    )


class PromotionRule(Part):
    """The end of a release."""

    soak: Duration = Field(description="all traffic on the canary, the old model still warm")
    approval: Annotated[Duration, Field(ge=1)] = Field(description="how long a person may take")


class BaselineRule(Part):
    """What planning assumes of today's model."""

    error_rate: Fraction
    p99_ms: Positive
    hallucination_rate: Fraction
    csat_mean: Annotated[float, Field(ge=1, le=4)]
    csat_sd: Positive
    survey_response: Fraction
    completion: Fraction
    click_through: Fraction
    cart_abandonment: Fraction
    cart_share: Fraction
    turns_per_conversation: Annotated[float, Field(ge=1)]


class Policy(Part):
    """Everything a release is judged by, in every region."""

    name: Name
    routing: Literal["application", "alb"] = Field(description="who draws the arm")
    slow_ms: int = Field(gt=0, description="a slower request counts as slow")
    regions: Many[Region] = Field(min_length=1)
    stages: Many[StageRule] = Field(min_length=3)
    composite: Composite
    intents: Many[IntentRule] = Field(min_length=1)
    rate_tiers: Many[RateTier] = Field(min_length=1)
    experiment_tiers: Many[ExperimentTier] = Field(min_length=1)
    metrics: Many[MetricRule] = Field(min_length=1)
    offline_gates: Many[OfflineRule] = ()
    statistics: StatisticsRule
    checks: ChecksRule
    ledger: LedgerRule
    anti_flapping: AntiFlappingRule
    calendar: Many[ClosureRule] = ()
    watch: Watch
    detector: DetectorRule
    promotion: PromotionRule
    evaluation: EvaluationRule = EvaluationRule()
    bandits: BanditsRule | None = None
    baseline: BaselineRule

    def region(self, name: str) -> Region:
        """The region of that name. Raises `KeyError`."""
        return {region.name: region for region in self.regions}[name]
