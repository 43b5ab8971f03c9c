"""Two versions of one unit's record become one, when turns of the unit met or one went unseen."""

from __future__ import annotations

from dataclasses import replace

from canary.routing.assignment import CONVERSATIONS_KEPT, Assignment, Seen

__all__ = ["merge"]


def merge(mine: Assignment, held: Assignment, conversation_id: str) -> Assignment:
    """What to store when a turn ends with `mine` and finds `held`, which it had not read.

    The later draw is the unit's: a turn that knows of none, because the cache was lost when it
    began or because the draw came while it waited for the model, never takes one away. Of the
    conversation that the turn belongs to, `mine` knows best who served it; of all others `held`
    does. A conversation that was drawn stays in the test that drew it.
    """
    drawn = held if _drawn_at(held) > _drawn_at(mine) else mine
    served, before = mine.conversations[conversation_id], held.conversations.get(conversation_id)
    if before is not None:
        served = Seen(served.served, before.test_id or served.test_id, served.moved or before.moved)
    others = {
        key: each
        for key, each in {**mine.conversations, **held.conversations}.items()
        if key != conversation_id
    }
    kept = list(others.items())[1 - CONVERSATIONS_KEPT :]
    moved = max(mine, held, key=lambda each: each.reassigned_at or 0.0)
    same = mine.test_id == held.test_id
    return replace(
        drawn,
        intent_assignments={
            **(held.intent_assignments if same else {}),
            **drawn.intent_assignments,
        },
        reassigned_at=moved.reassigned_at if same else drawn.reassigned_at,
        reassigned_reason=moved.reassigned_reason if same else drawn.reassigned_reason,
        conversations={**dict(kept), conversation_id: served},
    )


def _drawn_at(record: Assignment) -> float:
    return record.assigned_at or 0.0
