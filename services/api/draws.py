"""What is written down of a draw, and of the words of a turn that the detector reads."""

from __future__ import annotations

from canary.aws import clock
from canary.quality.privacy.redaction import redact_turn
from canary.routing.assignment import Assignment
from canary.routing.parameter import AssignmentParameter
from services.api import events

__all__ = ["words", "write"]


def write(
    record: Assignment, conversation_id: str, parameter: AssignmentParameter | None, region: str
) -> None:
    """Write down a draw, by whoever made it; what is said of a unit twice is one event."""
    same = events.same_id("assignment", record.test_id, record.unit_id, record.assigned_at)
    events.write_event(
        {
            **events.envelope("assignment", clock.now(), region, same),
            "release_id": parameter.release_id if parameter and parameter.active else None,
            "test_id": record.test_id,
            "stage": record.stage,
            "stratum": record.stratum,
            "arm": record.arm,
            "p_canary": record.p_canary,
            "conversation_id": conversation_id,
            "unit_id": record.unit_id,
            "policy_version": record.policy_version,
        }
    )


def words(question: str, answer: str) -> dict[str, str]:
    """What a sampled turn's line says of its words: nothing that points to a person."""
    asked, answered = redact_turn(question, answer)
    return {"question": asked, "text": answered}
