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
    """The log of one bandit, sorted.

    Raises `ValueError` without outcomes, and for an arm that is not named.
    """
    # By allocation first: a task that learned of a new one late still drew by the old one.
    ordered = sorted(outcomes, key=_when)
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
    """The reward rate if every customer met that arm, over the time in which it could be drawn.

    Weights are the square root of the arm's probability: a score's variance goes with one over it.
    "inverse" is the plain inverse-probability mean of the arm's own decisions, to compare with: in
    a log of a thousand decisions its intervals are too short.
    """
    if weighting == "inverse":
        value, influence = _plain_mean(evidence, arm)
    else:
        value, influence = _mean(evidence, arm, _weights(evidence, (arm,)))
    return _estimate(value, influence, evidence.units, confidence)


def difference(evidence: Evidence, arm: int, against: int, *, confidence: float = 0.95) -> Estimate:
    """How much higher the arm's rate is than the other's, in points (a fraction of one).

    Both are weighted alike, by 1 / sqrt(1/p + 1/p') while both could be drawn: with weights of its
    own each would stand for other days, and a level that moves for both would look like a
    difference. A customer who met both counts once.
    """
    (value, influence), (other, others) = _pair(evidence, arm, against)
    return _estimate(value - other, influence - others, evidence.units, confidence)


def lift(evidence: Evidence, arm: int, against: int, *, confidence: float = 0.95) -> Estimate:
    """The same relative to the other's rate: "B is 3% better" is 0.03.

    The interval is that of the logarithm of the ratio. NaN and infinite unless both rates are
    above 0.
    """
    (value, influence), (other, others) = _pair(evidence, arm, against)
    if not (value > 0 and other > 0):
        return Estimate(math.nan, math.inf, -math.inf, math.inf)
    logarithm = _estimate(
        math.log(value / other),
        influence / value - others / other,
        evidence.units,
        confidence,
    )
    return Estimate(
        math.expm1(logarithm.value),
        logarithm.error * value / other,
        math.expm1(logarithm.low),
        math.expm1(logarithm.high),
    )


def _when(outcome: Outcome) -> tuple[int, float]:
    return outcome.decision.allocation, outcome.decision.decided_at


def _pair(
    evidence: Evidence, arm: int, against: int
) -> tuple[tuple[float, Values], tuple[float, Values]]:
    weights = _weights(evidence, (arm, against))
    return _mean(evidence, arm, weights), _mean(evidence, against, weights)


def _plain_mean(evidence: Evidence, arm: int) -> tuple[float, Values]:
    p = evidence.probabilities[:, arm]
    weights = np.where(evidence.arms == arm, 1 / np.where(p > 0, p, 1.0), 0.0)
    return _average(evidence.rewards, weights)


def _mean(evidence: Evidence, arm: int, weights: Values) -> tuple[float, Values]:
    """The weighted mean of the augmented scores, and what each decision adds to its error."""
    drawn = evidence.arms == arm
    p = np.where(evidence.probabilities[:, arm] > 0, evidence.probabilities[:, arm], 1.0)
    # The guess comes from earlier decisions alone: one that knew the decision's own reward would
    # be biased.
    weight, gain = (
        np.concatenate(([0.0], np.cumsum(np.where(drawn, each / p, 0.0))[:-1]))
        for each in (np.ones_like(p), evidence.rewards)
    )
    guess = (gain + 0.5) / (weight + 1.0)
    return _average(guess + np.where(drawn, (evidence.rewards - guess) / p, 0.0), weights)


def _average(scores: Values, weights: Values) -> tuple[float, Values]:
    whole = float(weights.sum())
    if whole <= 0:
        return math.nan, np.zeros(len(scores))
    value = float((weights * scores).sum() / whole)
    return value, np.asarray(weights * (scores - value) / whole)


def _weights(evidence: Evidence, arms: Sequence[int]) -> Values:
    """One over the square root of the mean, within each allocation, of the sum of the arms' 1/p.

    Without contexts p is the same within an allocation, and for one arm this is its square root.
    With them, a weight that followed the context would answer for the contexts in which the arm
    is drawn more often, not for all. 0 where one of the arms could not be drawn.
    """
    p = evidence.probabilities[:, list(arms)]
    known = np.all(p > 0, axis=1)
    inverse = np.where(known, (1 / np.where(p > 0, p, 1.0)).sum(axis=1), 0.0)
    _, group = np.unique(evidence.allocations, return_inverse=True)
    decisions = np.maximum(np.bincount(group, weights=known.astype(np.float64)), 1.0)
    mean = (np.bincount(group, weights=inverse) / decisions)[group]
    return np.asarray(np.where(known, 1 / np.sqrt(np.where(known, mean, 1.0)), 0.0))


def _estimate(
    value: float, influence: Values, units: NDArray[np.int64], confidence: float
) -> Estimate:
    reach = float(quantile((1 + float(fraction("confidence", confidence))) / 2))
    customers = np.bincount(units, weights=influence)
    if not math.isfinite(value) or np.count_nonzero(customers) < 2:  # noqa: PLR2004  # no spread
        return Estimate(value, math.inf, -math.inf, math.inf)
    error = math.sqrt(float((customers**2).sum()))
    return Estimate(value, error, value - reach * error, value + reach * error)
