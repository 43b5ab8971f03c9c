"""What a registered test can find: the smallest effect that it proves with good probability."""

from __future__ import annotations

import math
from dataclasses import dataclass

from canary.policy.compiled import CompiledPolicy
from canary.routing.rates import rate
from canary.statistics.normal import quantile, upper_tail_quantile

__all__ = ["Resolution", "resolution"]

_DAY = 86_400.0
POWER = 0.80


@dataclass(frozen=True)
class Resolution:
    """Effects in the metric's own scale, found with probability `POWER` at the last look.

    `by_test` at the test's own alpha, `by_ledger` at the level that the ledger reserves: the
    larger of both is what the release can be promoted on.
    """

    by_test: float
    by_ledger: float

    @property
    def effect(self) -> float:
        """The smallest effect that both find."""
        return max(self.by_test, self.by_ledger)


def resolution(policy: CompiledPolicy, *, variance: float, level: float) -> Resolution:
    """(z_(1 - level/2) + z_.8) * sqrt(variance / W), W = sum of n r (1 - r) over intents and days.

    `variance` is one observation's, `level` two-sided. Each stage lasts its minimum, the last test
    stage until the test's end, at the policy's volumes. Looks before the last cost next to
    nothing of the bound and are left out.
    """
    weight = _planned_weight(policy)
    error = math.sqrt(variance / weight) if weight > 0 else math.inf
    power = float(quantile(POWER))

    def at(alpha: float) -> float:
        if alpha <= 0:
            return math.inf
        return (float(upper_tail_quantile(alpha / 2)) + power) * error

    return Resolution(by_test=at(policy.statistics.alpha), by_ledger=at(level))


def _planned_weight(policy: CompiledPolicy) -> float:
    tested = policy.stages[1:-1]
    left = float(policy.statistics.test_seconds)
    total = 0.0
    for stage in tested:
        seconds = left if stage is tested[-1] else min(left, float(stage.min_seconds))
        left -= seconds
        for intent in policy.intents:
            share = rate(policy, stage.index, intent.name)
            total += intent.daily_volume * seconds / _DAY * share * (1 - share)
    return total
