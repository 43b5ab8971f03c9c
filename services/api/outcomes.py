"""What became of a conversation: joined to the arm that was drawn for it, moved or not.

A conversation may have many outcomes, each with what was new; its facts are those of all together.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.routing.assignment import Assignment
from services.api import events
from services.api.assignments import AssignmentFeed
from services.api.sessions import Sessions

__all__ = ["Outcome", "Outcomes"]


@dataclass(frozen=True)
class Outcome:
    """What the customer's client reports; None where nothing was said, offered or in the cart.

    `csat` is 1 to 4.
    """

    unit_id: str
    conversation_id: str
    completed: bool | None = None
    csat: int | None = None
    clicked: bool | None = None
    cart_abandoned: bool | None = None
    escalated: bool | None = None

    @classmethod
    def of_events(cls, unit_id: str, conversation_id: str, events: Collection[str]) -> Outcome:
        """What the customer did: a click says that something was offered, too."""
        offered = "offer" in events or "click" in events
        cart = "add_to_cart" in events or "abandon" in events
        return cls(
            unit_id=unit_id,
            conversation_id=conversation_id,
            completed=True if "resolved" in events else None,
            clicked="click" in events if offered else None,
            cart_abandoned="abandon" in events if cart else None,
            escalated=True if "escalated" in events else None,
        )


class Outcomes:
    """Writes an event for each outcome."""

    def __init__(self, sessions: Sessions, feed: AssignmentFeed, region: str) -> None:
        self._sessions = sessions
        self._feed = feed
        self._region = region

    async def record(self, outcome: Outcome) -> None:
        """Look up the unit's assignment and write the event; without one it carries no arm.

        Raises `TooManyRequestsError`.
        """
        session = await self._sessions.read(outcome.unit_id)
        told = (outcome.completed, outcome.csat, outcome.clicked, outcome.cart_abandoned)
        same = events.same_id(
            "outcome", outcome.unit_id, outcome.conversation_id, *told, outcome.escalated
        )
        events.write_event(
            {
                **events.envelope("outcome", clock.now(), self._region, same),
                **self._assignment(session.record, outcome.conversation_id),
                "conversation_id": outcome.conversation_id,
                "unit_id": outcome.unit_id,
                "completed": outcome.completed,
                "csat": outcome.csat,
                "clicked": outcome.clicked,
                "cart_abandoned": outcome.cart_abandoned,
                "escalated": outcome.escalated,
            }
        )

    def _assignment(self, record: Assignment | None, conversation_id: str) -> dict[str, Any]:
        arm = record.arm_of(conversation_id) if record else None
        if record is None or arm is None:
            names = ("release_id", "test_id", "stage", "stratum", "arm", "p_canary")
            return dict.fromkeys(names)
        parameter = self._feed.view.parameter
        current = parameter is not None and parameter.test_id == record.test_id
        return {
            "release_id": parameter.release_id if parameter and current else None,
            "test_id": record.test_id,
            "stage": record.stage,
            "stratum": record.stratum,
            "arm": arm,
            "p_canary": record.p_canary,
        }
