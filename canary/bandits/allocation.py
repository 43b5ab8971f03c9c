"""What is served: the probabilities of the arms from one moment on, for every context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from canary.bandits.context import Context
from canary.bandits.linear import LinearModel, LinearSums, chosen
from canary.bandits.rules import Rules
from canary.bandits.shares import Shares, check_shares, shares_of

__all__ = ["Allocation"]


@dataclass(frozen=True)
class Allocation:
    """Either the same `shares` for everyone or, contextual, the `linear` arms to choose among.

    Learning does not change it: only a new allocation, with the next number, does.
    Raises `ValueError` unless it is one of the two.
    """

    number: int
    since: float
    """Epoch seconds."""
    shares: Shares = field(default_factory=dict)
    linear: Mapping[str, LinearSums] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if bool(self.shares) == bool(self.linear):
            raise ValueError("allocation: needs shares or linear arms, and not both")
        if self.shares:
            check_shares(self.shares)

    def shares_for(self, context: Context | None, rules: Rules) -> Shares:
        """Every arm's probability for a question; raises `ValueError` without a needed context."""
        if not self.linear:
            return self.shares
        if context is None:
            raise ValueError("context: a contextual allocation needs one")
        chances = chosen(self._model(rules.ridge).upper_bounds(context.vector(), rules.breadth))
        key = (tuple(chances.tolist()), rules.floor)
        if key not in self._shares:
            self._shares[key] = shares_of(tuple(self.linear), chances, rules.floor)
        return self._shares[key]

    def _model(self, ridge: float) -> LinearModel:
        if ridge not in self._models:
            self._models[ridge] = LinearModel.of(tuple(self.linear.values()), ridge)
        return self._models[ridge]

    @cached_property
    def _models(self) -> dict[float, LinearModel]:
        """Solved once, not for every question; an allocation never changes."""
        return {}

    @cached_property
    def _shares(self) -> dict[tuple[tuple[float, ...], float], Shares]:
        """By who is chosen: a few arms, and ties."""
        return {}

    def same_as(self, other: Allocation) -> bool:
        """Whether both serve the same, whatever their numbers and times."""
        return dict(self.shares) == dict(other.shares) and dict(self.linear) == dict(other.linear)
