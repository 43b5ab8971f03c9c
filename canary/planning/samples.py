"""How many conversations a comparison needs, and how many days that is for each intent."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from canary.policy.compiled import CompiledPolicy
from canary.routing.rates import rate
from canary.statistics.duration import days_to_sizes
from canary.statistics.sample_size import (
    Sides,
    Sizes,
    farrington_manning_size,
    means_size,
    noninferiority_size,
    proportions_size,
)

__all__ = ["IntentDays", "Question", "SamplePlan", "plan_samples"]


@dataclass(frozen=True)
class Question:
    """What is to be shown: a rate (`baseline` between 0 and 1) or, with `deviation`, a mean.

    `effect` is the true change, signed, as a fraction for a rate: for superiority the least to be
    found, for non-inferiority what the candidate is taken to do. With `margin` it is to be shown
    that a candidate is worse by less than that. `pooled` sizes the score test, otherwise Wald's.
    `observed` is the share of conversations that give an observation, as those with a survey.
    """

    baseline: float
    effect: float
    deviation: float | None = None
    margin: float | None = None
    lower_is_better: bool = False
    alpha: float = 0.05
    power: float = 0.8
    sides: Sides = 2
    pooled: bool = False
    design_effect: float = 1.0
    observed: float = 1.0


@dataclass(frozen=True)
class IntentDays:
    """An intent's days by stage, at the rate in force there; None without traffic in both arms."""

    intent: str
    daily: float
    rates: tuple[float, ...]
    days: tuple[float | None, ...]


@dataclass(frozen=True)
class SamplePlan:
    """Conversations an arm at the asked share, and by intent the days at each stage's rates."""

    share: float
    control: int
    canary: int
    stages: tuple[int, ...] = ()
    intents: tuple[IntentDays, ...] = ()
    all_intents: IntentDays | None = None

    @property
    def total(self) -> int:
        """Both arms."""
        return self.control + self.canary

    def as_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers."""
        return {**asdict(self), "total": self.total}


def plan_samples(
    question: Question,
    share: float,
    policy: CompiledPolicy | None = None,
    *,
    rate_everywhere: float | None = None,
) -> SamplePlan:
    """The sizes at the canary's `share` of conversations, and days at the policy's volumes.

    Each stage has its own allocation, so its own sizes; `rate_everywhere` asks for one rate for
    all intents instead of the policy's. Raises `ValueError` for what no sample can show, and for
    a share or rate not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share: {share} is not between 0 and 1")
    if rate_everywhere is not None and not 0 < rate_everywhere < 1:
        raise ValueError(f"rate: {rate_everywhere} is not between 0 and 1")
    control, canary = _sizes(question, share).whole()
    if policy is None:
        return SamplePlan(share, int(control), int(canary))
    stages = tuple(range(1, len(policy.stages) - 1)) if rate_everywhere is None else (0,)
    rows = []
    for intent in policy.intents:
        rates = (
            tuple(rate(policy, stage, intent.name) for stage in stages)
            if rate_everywhere is None
            else (rate_everywhere,)
        )
        days = tuple(_days(question, each, intent.daily_volume) for each in rates)
        rows.append(IntentDays(intent.name, intent.daily_volume, rates, days))
    return SamplePlan(
        share,
        int(control),
        int(canary),
        stages if rate_everywhere is None else (),
        tuple(rows),
        _all_intents(rows, len(stages)),
    )


def _all_intents(rows: list[IntentDays], stages: int) -> IntentDays:
    """All together, each intent a stratum: information of the strata adds up."""
    volume = sum(row.daily for row in rows)
    shares = tuple(sum(row.daily * row.rates[k] for row in rows) / volume for k in range(stages))
    # An intent that needs d days by itself brings 1 / d of what is needed in a day.
    a_day = [sum(1 / found for row in rows if (found := row.days[k])) for k in range(stages)]
    days = tuple(1 / each if each > 0 else None for each in a_day)
    return IntentDays("all", volume, shares, days)


def _days(question: Question, share: float, daily: float) -> float | None:
    if not 0 < share < 1:
        return None
    found = float(days_to_sizes(_sizes(question, share), daily, share))
    return found if math.isfinite(found) else None


def _sizes(question: Question, share: float) -> Sizes:
    """Conversations at an allocation, before rounding."""
    _refuse_impossible(question)
    ratio = share / (1 - share)
    p0, p1 = question.baseline, question.baseline + question.effect
    if question.deviation is not None:
        found = means_size(
            _distance(question),
            question.deviation,
            question.deviation,
            alpha=question.alpha,
            power=question.power,
            allocation=ratio,
            sides=question.sides,
        )
    elif question.margin is None:
        found = proportions_size(
            p0,
            p1,
            alpha=question.alpha,
            power=question.power,
            allocation=ratio,
            sides=question.sides,
            pooled=question.pooled,
        )
    else:
        size = farrington_manning_size if question.pooled else noninferiority_size
        found = size(
            p0,
            p1,
            question.margin,
            direction="lower_is_better" if question.lower_is_better else "higher_is_better",
            alpha=question.alpha,
            power=question.power,
            allocation=ratio,
            sides=question.sides,
        )
    each = question.design_effect / question.observed
    return Sizes(found.control * each, found.canary * each)


def _refuse_impossible(question: Question) -> None:
    if not question.design_effect >= 1:
        raise ValueError(f"design_effect: {question.design_effect} is below 1")
    if not 0 < question.observed <= 1:
        raise ValueError(f"observed: {question.observed} is not above 0 and at most 1")
    if question.margin is None and question.effect == 0:
        raise ValueError("mde: 0 is no change to find; a margin makes it non-inferiority")
    reached = question.baseline + question.effect
    if question.deviation is None and not 0 <= reached <= 1:
        raise ValueError(
            f"mde: {question.effect} takes a rate of {question.baseline} to {reached:.4g}"
        )


def _distance(question: Question) -> float:
    """What a test of means has to see: the effect, or how far it is from the margin."""
    if question.margin is None:
        return question.effect
    gain = -question.effect if question.lower_is_better else question.effect
    if gain + question.margin <= 0:
        raise ValueError(f"margin: {question.margin} does not lie beyond the effect itself")
    return gain + question.margin
