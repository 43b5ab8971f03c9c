"""The policy of one region as every function reads it: plain frozen values, no validation library.

A release keeps a copy of this in its record, so a deploy never changes a release in flight.
Durations are seconds, rates and shares are fractions of one. Validation happens before, in
`canary.policy.model`; this module only carries values.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from canary.policy.compiled_bandits import Bandits

__all__ = [
    "AntiFlapping",
    "Baseline",
    "Checks",
    "Closure",
    "CompiledPolicy",
    "Detector",
    "Gate",
    "Intent",
    "Ledger",
    "Metric",
    "Model",
    "OfflineGate",
    "Promotion",
    "Stage",
    "Statistics",
    "Trigger",
]

Unit = Literal["level", "points", "relative", "score"]
Scope = Literal["overall", "revenue_critical", "intent", "tier"]
OnBreach = Literal["rollback", "pause"]


@dataclass(frozen=True)
class Stage:
    """One step of the ramp; `rate` is the canary's stage rate, `task_percent` its scale."""

    index: int
    rate: float
    task_percent: int
    min_seconds: int
    max_seconds: int


@dataclass(frozen=True)
class Intent:
    """One kind of question; `rate` is its rate tier's, `weight` its part of the composite.

    `cached` says that a model's answer to one customer may be given to another.
    """

    name: str
    daily_volume: float
    revenue_critical: bool
    weight: float
    rate_tier: str
    rate: float
    experiment_tier: int
    cached: bool = False


@dataclass(frozen=True)
class Metric:
    """How a metric is measured. `numerator`/`denominator` are columns of the facts (or counters).

    `measure`: `rate` and `mean` are numerator over denominator per conversation or turn,
    `quantile` is the P99 of each conversation's slowest turn.
    """

    name: str
    role: Literal["guardrail", "success", "observational", "regional"]
    measure: Literal["rate", "mean", "quantile"]
    source: Literal["turns", "outcomes", "detector", "offline"]
    numerator: str
    denominator: str
    better: Literal["higher", "lower"]
    outcome_window_seconds: int = 0


@dataclass(frozen=True)
class Gate:
    """What must hold to leave `stage` (index). `limit` is signed in the metric's own direction.

    `level`: the metric itself; `points`, `score`: canary - control; `relative`: canary over
    control, minus 1.
    """

    metric: str
    stage: int
    kind: Literal["must_pass", "must_not_fail"]
    unit: Unit
    limit: float
    scope: Scope = "overall"
    min_sample: int = 0


@dataclass(frozen=True)
class Trigger:
    """An alarm: a rate's Wilson lower bound, or a published lower bound of harm, over a threshold.

    A rate must also be more than `ratio_to_control` times the control's, and above it by more than
    `z_to_control` standard errors.

    `statistic = "rate"`: `numerator`/`denominator` are metric names of namespace
    `MangaAssist/Canary`, alarmed once for each of `windows_seconds`.
    `statistic = "harm"`: the metric `Harm{Metric}`; one window.
    """

    name: str
    metric: str
    statistic: Literal["rate", "harm"]
    unit: Unit
    threshold: float
    windows_seconds: tuple[int, ...]
    on_breach: OnBreach
    numerator: str = ""
    denominator: str = ""
    min_events: int = 5
    z: float = 3.09
    ratio_to_control: float = 2.0
    z_to_control: float = 4.5
    escalate_after_seconds: int | None = None


@dataclass(frozen=True)
class OfflineGate:
    """A score of the offline evaluation that must be reached before any traffic (stage 0)."""

    metric: str
    limit: float
    better: Literal["higher", "lower"]


@dataclass(frozen=True)
class Detector:
    """The hallucination detector's operating point and its sampling by stage index."""

    sensitivity: float
    specificity: float
    sampling: tuple[float, ...]


@dataclass(frozen=True)
class Promotion:
    """Soak with the primary set warm on the old model, and how long approval may take."""

    soak_seconds: int
    approval_seconds: int


@dataclass(frozen=True)
class Evaluation:
    """How the offline gate measures: a job's life and use, and an intent's least share right."""

    fresh_seconds: int = 7 * 86_400
    longest_seconds: int = 6 * 3_600
    poll_seconds: int = 600
    intent_floor: float = 0.5


@dataclass(frozen=True)
class Statistics:
    """The confirmatory test and the harm sequence (decision rules, section 5)."""

    primary_metric: str
    hypothesis: Literal["superiority", "non_inferiority"]
    margin: float
    min_effect: float
    alpha: float
    test_seconds: int
    looks_seconds: tuple[int, ...]
    harm_alpha_overall: float
    harm_alpha_revenue: float
    harm_min_outcomes: int
    gate_confidence: float
    intent_alpha: float
    srm_alpha: float
    bake_poll_seconds: int
    shared_lift_seconds: int
    shared_rollback_seconds: int
    silence_seconds: int
    promotion_test_seconds: int = 0
    """What a test that meets a day of the calendar lasts at least."""


@dataclass(frozen=True)
class Checks:
    """What holds or extends a release although no gate fails (decision rules, section 6)."""

    composite_margin: float
    """The composite may be this much below zero, relative, and still PASS."""
    mixed_alpha: float
    mixed_harm: float
    """Points: an intent that loses this much holds the release."""
    mixed_hold_seconds: int
    """How long the root cause may be sought before the hold is overdue."""
    weekday_alpha: float
    extension_seconds: int
    """By how much a test that depends on the day, the promotion or the newness is extended."""
    response_alpha: float
    response_gap: float
    """Relative: arms whose survey response differs by more say nothing about satisfaction."""


@dataclass(frozen=True)
class Closure:
    """Days in which no test starts or ends: first and last date, ISO, in the region's time."""

    name: str
    first: str
    last: str


@dataclass(frozen=True)
class Ledger:
    """How many of a year's promotions may be false (decision rules, section 7).

    The defaults are what releases admitted before there was a ledger read.
    """

    fdr: Literal["lord", "bh", "alpha_investing"] = "lord"
    """Whose word counts; the others are shown beside it."""
    q_revenue_critical: float = 0.05
    """The false discovery rate of tests that touch revenue-critical intents."""
    q_other: float = 0.10
    lord_start: float = 0.1
    """LORD++'s first wealth as a share of q."""
    bh_window_seconds: int = 365 * 86_400
    w0: float = 0.05
    """Alpha investing's first wealth, and what a rejection earns."""
    payout: float = 0.05
    review_seconds: int = 91 * 86_400


@dataclass(frozen=True)
class AntiFlapping:
    """What a strike asks of the releases after it (A10's anti-flapping rules).

    The defaults are A10's own figures.
    """

    cooldown_seconds: int = 86_400
    rollbacks: int = 3
    """So many strikes of one candidate within `window_seconds` reject it for good."""
    window_seconds: int = 7 * 86_400
    hold_after_rollback_seconds: int = 8 * 3_600
    """The first stage's minimum in the release after a strike."""


@dataclass(frozen=True)
class Baseline:
    """What planning assumes of today's model (fractions; milliseconds; a day's conversations)."""

    error_rate: float
    p99_ms: float
    hallucination_rate: float
    csat_mean: float
    csat_sd: float
    survey_response: float
    completion: float
    click_through: float
    cart_abandonment: float
    cart_share: float
    turns_per_conversation: float
    daily_conversations: float


@dataclass(frozen=True)
class Model:
    """A model that the region's gateway may call.

    `id` names a foundation model or, with `destinations` (every region it may answer from), a
    cross-region inference profile.
    """

    id: str
    destinations: tuple[str, ...] = ()

    @property
    def foundation_model(self) -> str:
        """The foundation model's id: a profile's is its own, without the geography."""
        return self.id.split(".", 1)[1] if self.destinations else self.id


@dataclass(frozen=True)
class CompiledPolicy:
    """Everything one release in one region reads."""

    name: str
    region: str
    timezone: str
    wave: int
    routing: Literal["application", "alb"]
    slow_ms: int
    models: tuple[Model, ...]
    """What may be released here; the first is what a new region starts with."""
    stages: tuple[Stage, ...]
    intents: tuple[Intent, ...]
    metrics: tuple[Metric, ...]
    gates: tuple[Gate, ...]
    triggers: tuple[Trigger, ...]
    offline_gates: tuple[OfflineGate, ...]
    detector: Detector
    promotion: Promotion
    statistics: Statistics
    checks: Checks
    calendar: tuple[Closure, ...]
    baseline: Baseline
    changes: tuple[str, ...] = field(default=())
    """Sentences that say what differs from the region's policy: a scenario's pace, a longer stage
    after a rollback."""
    wave_before: tuple[str, ...] = field(default=())
    """The regions of the wave before this one's: a release starts after theirs is promoted."""
    ledger: Ledger = field(default=Ledger())
    anti_flapping: AntiFlapping = field(default=AntiFlapping())
    bandits: Bandits = field(default=Bandits())
    evaluation: Evaluation = field(default=Evaluation())

    @property
    def fault_wait_seconds(self) -> int:
        """How long a release that failed machinery holds waits before it is looked at again.

        Two looks: a look that fails costs the progression's history twice what a good one does.
        """
        return 2 * self.statistics.bake_poll_seconds

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, hexadecimal: the policy's version."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> CompiledPolicy:
        """Read what `to_json` wrote. Raises `TypeError` or `KeyError` on another shape."""
        return _parsed(text)

    def metric(self, name: str) -> Metric:
        """The metric of that name. Raises `KeyError`."""
        return self._metrics[name]

    def foundation_model(self, model_id: str) -> str:
        """The foundation model behind a model's id; of an id that is not the policy's, itself."""
        known = {model.id: model.foundation_model for model in self.models}
        return known.get(model_id, model_id)

    def intent(self, name: str) -> Intent:
        """The intent of that name. Raises `KeyError`."""
        return self._intents[name]

    @functools.cached_property
    def _metrics(self) -> dict[str, Metric]:
        return {metric.name: metric for metric in self.metrics}

    @functools.cached_property
    def _intents(self) -> dict[str, Intent]:
        return {intent.name: intent for intent in self.intents}


@functools.lru_cache(maxsize=8)
def _parsed(text: str) -> CompiledPolicy:
    """One release reads its policy at every step, and a policy never changes."""
    return _build(CompiledPolicy, json.loads(text))


_T = TypeVar("_T")


def _build(kind: type[_T], value: Any) -> _T:
    hints = get_type_hints(kind)
    arguments: dict[str, Any] = {}
    for item in dataclasses.fields(kind):  # type: ignore[arg-type]
        if item.name in value:
            arguments[item.name] = _convert(hints[item.name], value[item.name])
    return kind(**arguments)


def _convert(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value)
    if get_origin(hint) is tuple:
        (inner, *_) = get_args(hint)
        return tuple(_convert(inner, each) for each in value)
    if hint is float and value is not None:
        return float(value)
    return value
