"""What an arm is worth, and how much better one is than another, from a bandit's own log.

A bandit gives an arm more customers after it did well, so plain means are biased and plain
inverse-probability means have intervals that are too short. Augmented scores (AIPW) with weights
that even out their variance over time are unbiased in the limit and close to normal (Hadad,
Hirshberg, Zhan, Wager and Athey 2021).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from canary.bandits.settle import Outcome
from canary.bandits.shares import PARTS
from canary.statistics.normal import quantile
from canary.statistics.validation import Values, fraction

__all__ = ["Estimate", "Evidence", "arm_value", "difference", "evidence_of", "lift"]

Weighting = Literal["stabilised", "inverse"]


@dataclass(frozen=True)
class Evidence:
    """A bandit's decisions in the order they were made; arrays of one length.

    `arms` numbers the arm that was drawn, `rewards` is what it brought, `probabilities` has a
    column for each arm (0 where it could not be drawn), `allocations` numbers the allocation in
    force, and `units` the customer. Raises `ValueError` for other shapes and for decisions that
    had no probability.
    """

    arms: NDArray[np.int64]
    rewards: Values
    probabilities: Values
    allocations: NDArray[np.int64]
    units: NDArray[np.int64]

    def __post_init__(self) -> None:
        size = len(self.arms)
        sizes = {len(self.rewards), len(self.allocations), len(self.units)}
        if size == 0 or sizes != {size} or self.probabilities.shape[:1] != (size,):
            raise ValueError("evidence: needs as many of each, and at least one decision")
        if np.any(self.probabilities[np.arange(size), self.arms] <= 0):
            raise ValueError("probabilities: an arm was drawn that had none")
        if np.any(np.diff(self.allocations) < 0):
            raise ValueError("allocations: decisions are not in the order they were made")


@dataclass(frozen=True)
class Estimate:
    """An estimate, its standard error and its interval; NaN and infinite without evidence."""

    value: float
    error: float
    low: float
    high: float


def evidence_of(outcomes: Sequence[Outcome], arms: Sequence[str]) -> Evidence:
    """The log of one bandit, sorted. Raises `ValueError` for an arm that is not named, and without
    outcomes.
    """
    # By allocation first: a task that learned of a new one late still drew by the old one.
    ordered = sorted(
        outcomes, key=lambda each: (each.decision.allocation, each.decision.decided_at)
    )
    place = {arm: index for index, arm in enumerate(arms)}
    units = {each.decision.unit_id: 0 for each in ordered}
    units = {unit: index for index, unit in enumerate(units)}
    try:
        drawn = [place[each.decision.arm] for each in ordered]
    except KeyError as unknown:
        raise ValueError(f"arm: {unknown} is none of {list(arms)}") from unknown
    return Evidence(
        arms=np.array(drawn, dtype=np.int64),
        rewards=np.array([float(each.success) for each in ordered]),
        probabilities=np.array(
            [[each.decision.shares.get(arm, 0) / PARTS for arm in arms] for each in ordered]
        ).reshape(len(ordered), len(arms)),
        allocations=np.array([each.decision.allocation for each in ordered], dtype=np.int64),
        units=np.array([units[each.decision.unit_id] for each in ordered], dtype=np.int64),
    )


def arm_value(
    evidence: Evidence,
    arm: int,
    *,
    confidence: float = 0.95,
    weighting: Weighting = "stabilised",
) -> Estimate:
    """The reward rate if every customer met that arm.

    "inverse" is the plain inverse-probability mean, to compare with: its intervals are too short.
    """
    value, influence = _weighted_mean(evidence, arm, weighting)
    return _estimate(value, influence, evidence.units, confidence)


def difference(evidence: Evidence, arm: int, against: int, *, confidence: float = 0.95) -> Estimate:
    """How much higher the arm's rate is than the other's, in points (a fraction of one).

    A customer who met both counts once: the error is that of the difference.
    """
    value, influence = _weighted_mean(evidence, arm, "stabilised")
    other, others_influence = _weighted_mean(evidence, against, "stabilised")
    return _estimate(value - other, influence - others_influence, evidence.units, confidence)


def lift(evidence: Evidence, arm: int, against: int, *, confidence: float = 0.95) -> Estimate:
    """The same relative to the other's rate: "B is 3% better" is 0.03.

    The interval is that of the logarithm of the ratio. NaN and infinite unless both rates are
    above 0.
    """
    value, influence = _weighted_mean(evidence, arm, "stabilised")
    other, others_influence = _weighted_mean(evidence, against, "stabilised")
    if not (value > 0 and other > 0):
        return Estimate(math.nan, math.inf, -math.inf, math.inf)
    logarithm = _estimate(
        math.log(value / other),
        influence / value - others_influence / other,
        evidence.units,
        confidence,
    )
    return Estimate(
        math.expm1(logarithm.value),
        logarithm.error * value / other,
        math.expm1(logarithm.low),
        math.expm1(logarithm.high),
    )


def _weighted_mean(evidence: Evidence, arm: int, weighting: Weighting) -> tuple[float, Values]:
    """The mean of the scores, and what each decision adds to its error."""
    p = evidence.probabilities[:, arm]
    known = p > 0
    drawn = evidence.arms == arm
    safe = np.where(known, p, 1.0)
    if weighting == "inverse":
        weights = known.astype(np.float64)
        scores = np.where(drawn, evidence.rewards / safe, 0.0)
    else:
        weights = np.where(known, _weights(safe, evidence.allocations), 0.0)
        guess = _past_mean(evidence, drawn, safe)
        scores = guess + np.where(drawn, (evidence.rewards - guess) / safe, 0.0)
    whole = weights.sum()
    if whole <= 0 or not drawn.any():
        return math.nan, np.full(len(p), math.nan)
    value = float((weights * scores).sum() / whole)
    return value, weights * (scores - value) / whole


def _weights(p: Values, allocations: NDArray[np.int64]) -> Values:
    """One over the square root of the mean of 1/p within each allocation.

    Without contexts p is the same within an allocation and this is its square root. With them,
    a weight that followed the context would answer for the contexts in which the arm is drawn
    more often, not for all.
    """
    _, group = np.unique(allocations, return_inverse=True)
    mean = np.bincount(group, weights=1 / p) / np.bincount(group)
    return np.asarray(1 / np.sqrt(mean[group]))


def _past_mean(evidence: Evidence, drawn: NDArray[np.bool_], p: Values) -> Values:
    """The arm's weighted reward rate before each decision's allocation; one half at first.

    Only what came before: a guess that knew the decision's own reward would be biased.
    """
    _, first = np.unique(evidence.allocations, return_index=True)
    starts = np.repeat(first, np.diff(np.append(first, len(drawn))))
    weight = np.concatenate(([0.0], np.cumsum(np.where(drawn, 1 / p, 0.0))))
    gain = np.concatenate(([0.0], np.cumsum(np.where(drawn, evidence.rewards / p, 0.0))))
    return np.asarray((gain[starts] + 0.5) / (weight[starts] + 1.0))


def _estimate(
    value: float, influence: Values, units: NDArray[np.int64], confidence: float
) -> Estimate:
    reach = float(quantile((1 + float(fraction("confidence", confidence))) / 2))
    customers = np.bincount(units, weights=influence)
    if not math.isfinite(value) or np.count_nonzero(np.bincount(units)) < 2:  # noqa: PLR2004
        return Estimate(value, math.inf, -math.inf, math.inf)
    error = math.sqrt(float((customers**2).sum()))
    return Estimate(value, error, value - reach * error, value + reach * error)
