"""Drawing an arm for a conversation, and the decision to log."""

from __future__ import annotations

from typing import Literal, Protocol

from canary.bandits.allocation import Allocation
from canary.bandits.context import Context
from canary.bandits.log import Decision
from canary.bandits.rules import Rules
from canary.bandits.shares import arm_at
from canary.routing.assignment import bucket

__all__ = ["Allocated", "draw"]


class Allocated(Protocol):
    """A bandit's state, or what is served of it."""

    @property
    def intent(self) -> str:
        """Whose questions it draws for."""

    def allocation_at(self, now: float) -> Allocation:
        """What is served at `now`, epoch seconds."""


def draw(
    state: Allocated,
    *,
    conversation_id: str,
    unit_id: str,
    now: float,
    rules: Rules,
    context: Context | None = None,
    release_arm: Literal["control", "canary"] | None = None,
) -> Decision:
    """The arm of a conversation by the allocation in force, with the probabilities it had.

    A hash draws: asked again under the same allocation, a conversation gets the same arm and the
    decision the same id. Its salt is the bandit's own, so that the arm says nothing about the one
    that a release's test drew. A conversation keeps its first decision when the allocation
    changes: the caller remembers it. Raises `ValueError` for a contextual bandit without context.
    """
    allocation = state.allocation_at(now)
    shares = allocation.shares_for(context, rules)
    return Decision(
        decision_id=f"{state.intent}:{allocation.number}:{conversation_id}",
        intent=state.intent,
        unit_id=unit_id,
        decided_at=now,
        arm=arm_at(shares, bucket(conversation_id, f"bandit:{state.intent}:{allocation.number}")),
        shares=shares,
        allocation=allocation.number,
        context=context,
        release_arm=release_arm,
    )
