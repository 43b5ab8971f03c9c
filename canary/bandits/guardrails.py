"""When an arm is started anew or taken away, whatever its rewards say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from canary.bandits.rules import Rules
from canary.bandits.tally import Moments, Week
from canary.statistics.normal import quantile

__all__ = ["Shift", "quality_ceiling", "shifts", "too_poor"]


@dataclass(frozen=True)
class Shift:
    """How an arm's lead over the mean of the others changed from one week to the next."""

    change: float
    error: float
    reset: bool


def shifts(before: Sequence[Week], after: Sequence[Week], rules: Rules) -> tuple[Shift | None, ...]:
    """For each arm, its shift; None for all unless every arm has decisions enough in both weeks.

    A week that lifts all arms alike, as a release of new volumes does, shifts none.
    """
    rates = [[week.rate for week in arms] for arms in (before, after)]
    enough = all(week.decisions >= rules.shift_decisions for week in (*before, *after))
    if len(before) != len(after) or len(after) < 2 or not enough:  # noqa: PLR2004  # no others
        return (None,) * len(after)
    others = len(after) - 1
    differences = [now.estimate - then.estimate for then, now in zip(*rates, strict=True)]
    variances = [now.variance + then.variance for then, now in zip(*rates, strict=True)]
    all_differences, all_variances = math.fsum(differences), math.fsum(variances)
    found = []
    for difference, variance in zip(differences, variances, strict=True):
        change = difference - (all_differences - difference) / others
        error = math.sqrt(variance + (all_variances - variance) / others**2)
        far = abs(change) > rules.shift_errors * error and abs(change) > rules.shift_size
        found.append(Shift(change, error, far))
    return tuple(found)


def quality_ceiling(scores: Moments, rules: Rules) -> float:
    """The upper bound of an arm's mean quality, infinite below the scores that a verdict needs."""
    if scores.n < max(2, rules.quality_scores):
        return math.inf
    return scores.mean + float(quantile(rules.quality_confidence)) * scores.error


def too_poor(scores: Moments, rules: Rules) -> bool:
    """Whether the arm's quality is surely below the least that is allowed."""
    return quality_ceiling(scores, rules) < rules.least_quality
