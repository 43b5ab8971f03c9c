"""What the registered test can find: at each look, overall, and in each intent by itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from canary.planning.gates import POWER
from canary.planning.ramp import Span, information
from canary.planning.solve import least_enough
from canary.policy.compiled import CompiledPolicy, Intent
from canary.routing.rates import rate
from canary.statistics.spending import boundaries, obrien_fleming_spend

__all__ = ["ConfirmatoryPlan", "IntentPlan", "LookPlan", "plan_test"]

_NORMAL = NormalDist()
_DAY = 86_400.0
_FARTHEST = 10_000.0
"""Days beyond which nobody waits."""
_MINUTE = 1 / 1440


@dataclass(frozen=True)
class LookPlan:
    """One look: `fraction` of the information planned, the bound on z, and what it would find.

    `mde` is the true effect that crosses the bound with probability .8, None before there is any
    outcome. Benefit is decided at the last look only; the others bound harm and say how far it is.
    """

    day: float
    fraction: float
    bound: float | None
    mde: float | None


@dataclass(frozen=True)
class IntentPlan:
    """An intent by itself, at the test's alpha: its own power, effect, and days to power .8."""

    intent: str
    daily: float
    rates: tuple[float, ...]
    power: float
    mde: float | None
    days: float | None


@dataclass(frozen=True)
class ConfirmatoryPlan:
    """The registered test: `power` to cross its last bound at the target effect, gates apart.

    Effects are in `unit`, points as fractions. `needed_days` is when all intents together would
    have power .8 at the last bound; the test lasts `days` whatever that is.
    """

    metric: str
    hypothesis: str
    unit: str
    target: float
    days: float
    power: float
    power_identical: float
    needed_days: float | None
    looks: tuple[LookPlan, ...]
    intents: tuple[IntentPlan, ...]

    @property
    def bottleneck(self) -> IntentPlan:
        """The intent that needs longest by itself; the least powered of those that never do."""
        return max(self.intents, key=lambda each: (_days(each), -each.power))


def plan_test(
    policy: CompiledPolicy, ramp: tuple[Span, ...], target: float, *, design_effect: float = 1.0
) -> ConfirmatoryPlan:
    """Looks, power and days for a true effect `target`, an improvement in the metric's scale.

    For a non-inferiority test effects are counted from the margin: an identical candidate is
    `margin` away from it. Raises `ValueError` for a primary metric without a planned variance.
    """
    plan = policy.statistics
    metric = policy.metric(plan.primary_metric)
    variance, per_conversation = _spread(policy)

    def reached(intents: tuple[Intent, ...], seconds: float) -> float:
        return information(
            policy,
            ramp,
            intents,
            seconds - metric.outcome_window_seconds,
            variance=variance * design_effect,
            per_conversation=per_conversation,
        )

    looks = [float(each) for each in plan.looks_seconds]
    info = [reached(policy.intents, each) for each in looks]
    bounds = _bounds(policy, info)
    shift = plan.margin if plan.hypothesis == "non_inferiority" else 0.0
    least = plan.min_effect if plan.hypothesis == "superiority" else -math.inf
    last = bounds[-1]

    def power(effect: float, amount: float) -> float:
        return _power(effect + shift, amount, bound=last, least=least)

    def own(intent: Intent) -> IntentPlan:
        amount = reached((intent,), looks[-1])
        return IntentPlan(
            intent.name,
            intent.daily_volume,
            tuple(_share(policy, span, intent) for span in ramp),
            power(target, amount),
            _mde(amount, last, shift, least),
            _needed(lambda seconds: power(target, reached((intent,), seconds))),
        )

    return ConfirmatoryPlan(
        metric=metric.name,
        hypothesis=plan.hypothesis,
        unit="points" if metric.measure == "rate" else "score",
        target=target,
        days=looks[-1] / _DAY,
        power=power(target, info[-1]),
        power_identical=power(0.0, info[-1]),
        needed_days=_needed(lambda seconds: power(target, reached(policy.intents, seconds))),
        looks=tuple(
            LookPlan(
                seconds / _DAY,
                amount / info[-1] if info[-1] > 0 else 0.0,
                bound if math.isfinite(bound) else None,
                _mde(amount, bound, shift, least if k == len(looks) - 1 else -math.inf),
            )
            for k, (seconds, amount, bound) in enumerate(zip(looks, info, bounds, strict=True))
        ),
        intents=tuple(own(intent) for intent in policy.intents),
    )


def _bounds(policy: CompiledPolicy, info: list[float]) -> list[float]:
    """The planned bounds; infinite at a look before any outcome."""
    plan = policy.statistics
    known = [each for each in info if each > 0]
    if not known:
        return [math.inf] * len(info)
    spent = [obrien_fleming_spend(each / known[-1], plan.alpha / 2) for each in known]
    return [math.inf] * (len(info) - len(known)) + boundaries(known, spent)


def _power(distance: float, amount: float, *, bound: float, least: float) -> float:
    """P(z beyond the bound and the estimate at least `least`), `distance` from the hypothesis."""
    if amount <= 0 or not math.isfinite(bound):
        return 0.0
    root = math.sqrt(amount)
    return 1 - _NORMAL.cdf(max(bound, least * root) - distance * root)


def _mde(amount: float, bound: float, shift: float, least: float) -> float | None:
    """The true effect found with power .8."""
    if amount <= 0 or not math.isfinite(bound):
        return None
    root = math.sqrt(amount)
    return max(bound / root, least) + _NORMAL.inv_cdf(POWER) / root - shift


def _needed(power: Callable[[float], float]) -> float | None:
    """Days since first exposure until the power is .8; None when more time does not bring it."""
    return least_enough(lambda days: power(days * _DAY) >= POWER, 0.0, _FARTHEST, within=_MINUTE)


def _days(plan: IntentPlan) -> float:
    return math.inf if plan.days is None else plan.days


def _share(policy: CompiledPolicy, span: Span, intent: Intent) -> float:
    return rate(policy, span.stage, intent.name)


def _spread(policy: CompiledPolicy) -> tuple[float, float]:
    """One observation's variance of the primary metric, and observations a conversation."""
    known = policy.baseline
    metric = policy.metric(policy.statistics.primary_metric)
    if metric.numerator == "csat":
        return known.csat_sd**2, known.survey_response
    rates = {"completed": (known.completion, 1.0), "clicked": (known.click_through, 1.0)}
    if metric.numerator not in rates:
        expected = "one whose spread the baseline tells: csat, completed or clicked"
        raise ValueError(f"primary_metric: {metric.name} is not {expected}")
    p, per_conversation = rates[metric.numerator]
    return p * (1 - p), per_conversation
