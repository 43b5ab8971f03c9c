"""All that a bandit remembers between batches: small, whatever its traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from canary.bandits.allocation import Allocation
from canary.bandits.context import DIMENSION
from canary.bandits.linear import LinearSums
from canary.bandits.posterior import best_chances
from canary.bandits.rules import MAX_ARMS, WEEK_S, Rules
from canary.bandits.shares import shares_of
from canary.bandits.tally import Week

__all__ = ["Arm", "BanditState", "Kind", "allocate", "new_bandit"]

Kind = Literal["thompson", "linucb"]


@dataclass(frozen=True)
class Arm:
    """One variant: what it has learned since its last reset, and its last weeks."""

    name: str
    successes: int = 0
    failures: int = 0
    linear: LinearSums | None = None
    """Of a contextual bandit only."""
    weeks: Mapping[int, Week] = field(default_factory=dict)
    """By number since the bandit started; the newest three."""
    removed_at: float | None = None

    @property
    def served(self) -> bool:
        """Whether it may be drawn."""
        return self.removed_at is None

    def week(self, number: int) -> Week:
        """Its tally, empty when there is none."""
        return self.weeks.get(number, Week())


@dataclass(frozen=True)
class BanditState:
    """One intent's bandit; times are epoch seconds.

    `revision` rises by one with every change: a conditional write on it loses no update.
    Decisions made before `settled_until` have been learned from, once and for all.
    """

    intent: str
    kind: Kind
    revision: int
    started_at: float
    learning_since: float
    """The start, or the last reset or removal: convergence is asked about from here."""
    settled_until: float
    arms: tuple[Arm, ...]
    current: Allocation
    upcoming: Allocation | None = None
    """What replaces `current` at its own `since`, a midnight, while a release is active."""
    judged_week: int = 0
    """The last week that was compared with the one before it."""

    @property
    def served(self) -> tuple[Arm, ...]:
        """The arms that may be drawn."""
        return tuple(arm for arm in self.arms if arm.served)

    def week_of(self, at: float) -> int:
        """The number of the week, from 0, counted from the start."""
        return int((at - self.started_at) // WEEK_S)

    def allocation_at(self, now: float) -> Allocation:
        """What is served at `now`."""
        later = self.upcoming
        return later if later is not None and now >= later.since else self.current


def new_bandit(
    intent: str, kind: Kind, arms: Sequence[str], *, at: float, rules: Rules
) -> BanditState:
    """A bandit that knows nothing yet, so that all its arms are served alike.

    Raises `ValueError` unless there are two to four arms of different names.
    """
    if not 2 <= len(arms) <= MAX_ARMS or len(set(arms)) != len(arms):  # noqa: PLR2004  # a choice
        raise ValueError(f"arms: {list(arms)} are not 2 to {MAX_ARMS} of different names")
    linear = LinearSums.empty(DIMENSION) if kind == "linucb" else None
    fresh = tuple(Arm(name, linear=linear) for name in arms)
    return BanditState(
        intent=intent,
        kind=kind,
        revision=0,
        started_at=at,
        learning_since=at,
        settled_until=at,
        arms=fresh,
        current=allocate(kind, fresh, number=0, since=at, rules=rules),
    )


def allocate(
    kind: Kind, arms: Sequence[Arm], *, number: int, since: float, rules: Rules
) -> Allocation:
    """What the arms that may be drawn have earned by what they have learned."""
    served = [arm for arm in arms if arm.served]
    if kind == "linucb":
        linear = {arm.name: arm.linear for arm in served if arm.linear is not None}
        return Allocation(number, since, linear=linear)
    chances = best_chances([arm.successes for arm in served], [arm.failures for arm in served])
    return Allocation(
        number, since, shares=shares_of([arm.name for arm in served], chances, rules.floor)
    )
