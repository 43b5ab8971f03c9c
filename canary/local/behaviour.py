"""How a model behaves at one moment of a scenario, and what one turn or outcome then comes to.

Every draw is a hash of the scenario's seed, the conversation, the turn and what is drawn: counts do
not depend on timing, and both arms see the same luck.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from statistics import NormalDist
from typing import Any, Literal

import mmh3

from canary.local.scenario import Fault, FaultKind, Phase, Scenario
from canary.policy.compiled import Baseline

__all__ = [
    "Behaviour",
    "Moment",
    "OutcomeDraw",
    "TurnDraw",
    "World",
    "active_faults",
    "behaviour",
    "draw_outcome",
    "draw_turn",
    "uniform",
]

Arm = Literal["control", "canary"]

P50_MS = 1_700.0
"""Today's median latency; the policy's baseline states the P99, which then gives the spread."""
FAILURE_MS = 400.0
THROTTLE_MS = 50.0
LONGEST_MS = 60_000.0
_NORMAL = NormalDist()
_Z99 = _NORMAL.inv_cdf(0.99)
_SCORES = (1, 2, 3, 4)


@dataclass(frozen=True)
class Behaviour:
    """A model's rates (fractions), latency (simulated milliseconds) and effect on outcomes."""

    error_rate: float
    throttle_rate: float
    refusal_rate: float
    latency_p50_ms: float
    latency_sigma: float
    hallucination_rate: float
    completion: float
    csat: float
    csat_sd: float
    survey_response: float
    click_through: float
    cart_share: float
    cart_abandonment: float

    @classmethod
    def of_baseline(cls, baseline: Baseline) -> Behaviour:
        """Today's model as the policy states it."""
        return cls(
            error_rate=baseline.error_rate,
            throttle_rate=0.0,
            refusal_rate=0.0,
            latency_p50_ms=P50_MS,
            latency_sigma=math.log(baseline.p99_ms / P50_MS) / _Z99,
            hallucination_rate=baseline.hallucination_rate,
            completion=baseline.completion,
            csat=baseline.csat_mean,
            csat_sd=baseline.csat_sd,
            survey_response=baseline.survey_response,
            click_through=baseline.click_through,
            cart_share=baseline.cart_share,
            cart_abandonment=baseline.cart_abandonment,
        )


@dataclass(frozen=True)
class Moment:
    """A point of a run: virtual minutes since the start, and when each stage was first reached."""

    minute: float = 0.0
    reached: Mapping[int, float] = field(default_factory=dict)

    def advance(self, minute: float, stage_percent: int) -> Moment:
        """The moment after; a stage stays reached when the release leaves it."""
        if stage_percent in self.reached:
            return replace(self, minute=minute)
        return Moment(minute, {**self.reached, stage_percent: minute})

    def within(self, timed: Phase | Fault) -> bool:
        """Whether a phase or a fault is on."""
        begin = self.begin(timed)
        if begin is None or self.minute < begin:
            return False
        return timed.minutes is None or self.minute < begin + timed.minutes

    def begin(self, timed: Phase | Fault) -> float | None:
        """The virtual minute at which a phase or a fault begins; None while nobody knows."""
        if timed.from_stage is None:
            return timed.from_minute
        times = [at for percent, at in self.reached.items() if percent >= timed.from_stage]
        return min(times) + timed.from_minute if times else None


def active_faults(scenario: Scenario, moment: Moment) -> tuple[Fault, ...]:
    """The faults that are on, as the runner starts and ends them."""
    return tuple(fault for fault in scenario.fault if moment.within(fault))


def behaviour(
    scenario: Scenario,
    baseline: Baseline,
    arm: Arm,
    intent: str,
    *,
    moment: Moment,
    faults: Iterable[FaultKind] = (),
) -> Behaviour:
    """How the current model (`control`) or the candidate (`canary`) behaves now for an intent.

    `faults` are the kinds that are on. Later phases of the file override earlier ones.
    """
    changes: dict[str, Any] = {}
    for phase in scenario.phase:
        if phase.arm == arm and _concerns(phase, intent) and moment.within(phase):
            named = phase.model_dump(exclude=_NOT_BEHAVIOUR, exclude_none=True)
            changes |= named
    if "shared_incident" in faults:
        incident = next(fault for fault in scenario.fault if fault.kind == "shared_incident")
        changes["error_rate"] = incident.error_rate
    return replace(Behaviour.of_baseline(baseline), **changes)


_NOT_BEHAVIOUR = {"arm", "intents", "from_stage", "from_minute", "minutes"}


def _concerns(phase: Phase, intent: str) -> bool:
    return not phase.intents or intent in phase.intents


class World:
    """A scenario as one process sees it, brought up to date by the runner's lines."""

    def __init__(self, scenario: Scenario, baseline: Baseline, *, candidate: str) -> None:
        self.scenario = scenario
        self._baseline = baseline
        self._candidate = candidate
        self._faults: frozenset[FaultKind] = frozenset()
        self._moment = Moment()
        self._known: dict[tuple[Arm, str], Behaviour] = {}

    def update(self, line: Mapping[str, Any]) -> None:
        """Take in `{"stage_percent": 25, "minute": 12.3, "faults": ["shared_incident"]}`."""
        minute = float(line.get("minute", self._moment.minute))
        if "stage_percent" in line:
            self._moment = self._moment.advance(minute, int(line["stage_percent"]))
        self._faults = frozenset(line.get("faults", self._faults))
        self._known.clear()

    @property
    def classifier_down(self) -> bool:
        """Whether the intent classifier is dead."""
        return "classifier_down" in self._faults

    def model_down(self, model_id: str) -> bool:
        """Whether that model is dead: no call of it is answered, not even with an error."""
        return "model_down" in self._faults and any(
            fault.kind == "model_down"
            and fault.arm == self._arm(model_id)
            and self._moment.within(fault)
            for fault in self.scenario.fault
        )

    def _arm(self, model_id: str) -> Arm:
        return "canary" if model_id == self._candidate else "control"

    def behaviour(self, model_id: str, intent: str) -> Behaviour:
        """How that model behaves now; any model but the candidate is the current one."""
        arm = self._arm(model_id)
        key = (arm, intent)
        if key not in self._known:
            self._known[key] = behaviour(
                self.scenario,
                self._baseline,
                arm,
                intent,
                moment=self._moment,
                faults=self._faults,
            )
        return self._known[key]

    def added(self, model_id: str) -> Behaviour:
        """The same with just those failures and inventions that go beyond today's."""
        today, how = Behaviour.of_baseline(self._baseline), self.behaviour(model_id, "")
        return replace(
            how,
            error_rate=max(0.0, how.error_rate - today.error_rate),
            hallucination_rate=max(0.0, how.hallucination_rate - today.hallucination_rate),
        )


def uniform(seed: int, what: str, conversation_id: str, *more: object) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    key = ":".join((what, conversation_id, *map(str, more)))
    return float(mmh3.hash64(key, seed & 0xFFFFFFFF, signed=False)[0] >> 11) * 2.0**-53


@dataclass(frozen=True)
class TurnDraw:
    """What one call of a model comes to; `latency_ms` is simulated."""

    kind: Literal["answer", "refused", "error", "throttled"]
    latency_ms: float
    hallucinated: bool = False


def draw_turn(
    how: Behaviour, seed: int, conversation_id: str, turn: int, attempt: int = 1
) -> TurnDraw:
    """One call: throttled, failed, or after a lognormal latency answered or refused."""

    def luck(what: str) -> float:
        return uniform(seed, what, conversation_id, turn, attempt)

    if luck("throttle") < how.throttle_rate:
        return TurnDraw("throttled", THROTTLE_MS)
    if luck("error") < how.error_rate:
        return TurnDraw("error", FAILURE_MS)
    z = _NORMAL.inv_cdf(max(luck("latency"), 1e-12))
    latency = min(how.latency_p50_ms * math.exp(how.latency_sigma * z), LONGEST_MS)
    if luck("refusal") < how.refusal_rate:
        return TurnDraw("refused", latency)
    return TurnDraw("answer", latency, luck("hallucination") < how.hallucination_rate)


@dataclass(frozen=True)
class OutcomeDraw:
    """How one conversation ended; None where nothing was asked or in the cart."""

    completed: bool
    csat: int | None
    clicked: bool
    cart_abandoned: bool | None


def draw_outcome(how: Behaviour, seed: int, conversation_id: str) -> OutcomeDraw:
    """One conversation's end, under the model that gave its last answer."""

    def luck(what: str) -> float:
        return uniform(seed, what, conversation_id)

    answered = luck("survey") < how.survey_response
    cart = luck("cart") < how.cart_share
    return OutcomeDraw(
        completed=luck("completed") < how.completion,
        csat=_score(how.csat, how.csat_sd, luck("csat")) if answered else None,
        clicked=luck("clicked") < how.click_through,
        cart_abandoned=luck("abandoned") < how.cart_abandonment if cart else None,
    )


def _score(mean: float, sd: float, luck: float) -> int:
    for score, up_to in zip(_SCORES, _cumulated(mean, sd), strict=True):
        if luck < up_to:
            return score
    return _SCORES[-1]


@cache
def _cumulated(mean: float, sd: float) -> tuple[float, ...]:
    """Cumulated probabilities of 1 to 4: the beta-binomial of that mean and standard deviation.

    A spread that no such distribution has becomes the nearest that one has.
    """
    top = len(_SCORES) - 1
    p = min(max((mean - 1) / top, 1e-6), 1 - 1e-6)
    excess = (sd * sd / (top * p * (1 - p)) - 1) / (top - 1)
    rho = min(max(excess, 1e-6), 0.999)
    a, b = p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho
    shares = [
        math.comb(top, k) * math.exp(_log_beta(k + a, top - k + b) - _log_beta(a, b))
        for k in range(top + 1)
    ]
    return tuple(sum(shares[: k + 1]) for k in range(top + 1))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
