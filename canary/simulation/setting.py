"""What a simulated release is given, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from canary.ledger.levels import family_of, next_levels, q_of
from canary.ledger.view import LedgerView
from canary.policy.compiled import CompiledPolicy
from canary.simulation.rates import Rates
from canary.simulation.volume import Calendar, first_exposure
from canary.simulation.world import World

__all__ = ["Ending", "GateTally", "Outcome", "Setting"]

Outcome = Literal["promote", "rollback", "hold", "reject"]
_WEEK_HOURS = 168


@dataclass(frozen=True)
class Setting:
    """A policy in a world; the world's hypothesis, where it has one, is what is registered."""

    policy: CompiledPolicy
    world: World
    seed: int

    @cached_property
    def effective(self) -> CompiledPolicy:
        """The policy as the release's record would hold it."""
        if self.world.hypothesis is None:
            return self.policy
        plan = replace(self.policy.statistics, hypothesis=self.world.hypothesis)
        return replace(self.policy, statistics=plan)

    @cached_property
    def text(self) -> str:
        """The record's copy of the policy."""
        return self.effective.to_json()

    @cached_property
    def ledger(self) -> LedgerView:
        """What a ledger without any test before grants: the level of a family's first."""
        policy = self.effective
        family = family_of(policy)
        levels = next_levels((), policy.ledger, family)
        method = policy.ledger.fdr
        level = levels.alpha_investing if method == "alpha_investing" else levels.lord
        return LedgerView("simulated", family, method, q_of(policy.ledger, family), level)

    @cached_property
    def weeks(self) -> dict[int, tuple[Calendar, float]]:
        """By hour of the week: the calendar, and the first exposure in epoch seconds."""
        hours = range(_WEEK_HOURS) if self.world.start_hour is None else (self.world.start_hour,)
        return {
            hour: (Calendar.of(self.world, hour), first_exposure(self.policy, hour))
            for hour in hours
        }

    @cached_property
    def rates(self) -> dict[int, Rates]:
        """By hour of the week in which a release begins."""
        kept: dict[object, Any] = {}
        return {
            hour: Rates(self.effective, self.world, calendar, kept)
            for hour, (calendar, _) in self.weeks.items()
        }


@dataclass
class GateTally:
    """How a gate that must pass was judged in one release, over the blocks that had data for it."""

    blocks: int = 0
    passed: int = 0
    failed: int = 0
    first_passed: int = 0


@dataclass(frozen=True)
class Ending:
    """How one release ended; times are seconds since the first exposure."""

    number: int
    outcome: Outcome
    cause: str
    at: float
    stage: int
    exposed: float
    """Canary conversations from the fault's onset (else from the first exposure) to the end."""
    looks: int
    """How often the decision code was asked."""
    shifts: tuple[float, ...] = ()
    """When each test stage began."""
    gates: Mapping[str, GateTally] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    detail: str = ""
    """The last hold's or the end's own words, of what could decide."""
