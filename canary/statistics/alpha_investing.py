"""Foster and Stine's alpha investing: tests pay for their level, rejections earn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from canary.statistics.validation import above_zero, not_negative, probabilities

__all__ = ["AlphaInvesting", "Investment", "invest"]


@dataclass(frozen=True)
class AlphaInvesting:
    """Wealth after some tests. `last_rejection` counts from 1, and is 0 before the first one."""

    wealth: float
    tests: int = 0
    last_rejection: int = 0
    payout: float = 0.05

    def level(self) -> float:
        """What the next test is held to: a / (1 + a), a = wealth / (1 + j - last rejection).

        So a test that fails to reject costs at most its share of the wealth (Foster and Stine
        2008), and wealth never falls below 0.
        """
        stake = self.wealth / (2 + self.tests - self.last_rejection)
        return stake / (1 + stake)

    def settled(self, *, rejected: bool) -> AlphaInvesting:
        """The wealth once the next test is decided: + payout, or - level / (1 - level)."""
        level, number = self.level(), self.tests + 1
        if rejected:
            return AlphaInvesting(self.wealth + self.payout, number, number, self.payout)
        # The subtraction may miss 0 by rounding.
        left = max(0.0, self.wealth - level / (1 - level))
        return AlphaInvesting(left, number, self.last_rejection, self.payout)


@dataclass(frozen=True)
class Investment:
    """What each test was held to, whether it rejected, the wealth after it, and the state now."""

    levels: list[float]
    rejected: list[bool]
    wealth: list[float]
    state: AlphaInvesting


def invest(p_values: Sequence[float], wealth: float = 0.05, payout: float = 0.05) -> Investment:
    """Run tests in order; one is rejected when p <= its level.

    Controls mFDR at the first wealth when the payout is no more. Raises `ValueError` for a
    p-value outside 0 to 1, a negative wealth, and a payout not above 0.
    """
    state = AlphaInvesting(
        float(not_negative("wealth", wealth)), payout=float(above_zero("payout", payout))
    )
    levels: list[float] = []
    rejected: list[bool] = []
    after: list[float] = []
    for p in probabilities("p_values", p_values):
        levels.append(state.level())
        rejected.append(bool(p <= levels[-1]))
        state = state.settled(rejected=rejected[-1])
        after.append(state.wealth)
    return Investment(levels, rejected, after, state)
