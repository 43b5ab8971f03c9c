"""The diagnosis of a rollback: what happened, in which turns, and what a person still owes.

Source: A10, the post-rollback workflow. Within an hour somebody on call says whether the rollback
was justified; within a day the root cause is wanted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canary.quality.privacy.redaction import redact_turn
from canary.release.model import ReleaseState

__all__ = ["ANSWER_SECONDS", "ROOT_CAUSE_SECONDS", "BadTurn", "Endings", "diagnosis_document"]

SCHEMA = 1
ANSWER_SECONDS = 3600.0
"""How long the person on call has to say whether the rollback was justified."""
ROOT_CAUSE_SECONDS = 86_400.0
"""How long the root cause may take."""


@dataclass(frozen=True)
class Endings:
    """How the turns of one arm and intent ended, in the hour before or after the rollback."""

    moment: str
    arm: str
    intent: str
    turns: int
    error: int
    throttled: int
    slow: int
    fallback: int


@dataclass(frozen=True)
class BadTurn:
    """One turn before the rollback, without its customer; words where the turn was sampled."""

    epoch: float
    arm: str
    conversation_id: str
    turn: int
    intent: str
    status: str
    error: bool
    throttled: bool
    slow: bool
    fallback: bool
    latency_ms: float | None
    question: str | None = None
    text: str | None = None


def diagnosis_document(
    state: ReleaseState,
    rollback: Mapping[str, Any],
    *,
    endings: Sequence[Endings] | None,
    turns: Sequence[BadTurn] | None,
) -> dict[str, Any]:
    """The diagnosis as plain values; `rollback` is the item of the table of rollbacks.

    `endings` and `turns` are None where the events could not be read, which the document says.
    """
    opened_at = dt.datetime.fromisoformat(str(rollback["sk"]))
    return {
        "schema": SCHEMA,
        "release": {
            "release_id": state.release_id,
            "test_id": state.test_id,
            "candidate": state.candidate,
            "control": state.control,
            "region": state.region,
            "phase": state.phase.value,
            "stage": state.stage,
            "cause": state.cause.value if state.cause else None,
            "strike": state.strike,
            "policy_digest": state.policy_digest,
        },
        "rollback": {
            name: rollback.get(name)
            for name in ("source", "detail", "alarms", "safe_arm", "shifted_at", "snapshot")
        }
        | {"opened_at": opened_at.isoformat(), "steps": dict(rollback.get("steps", {}))},
        "answer": rollback.get("answer"),
        "answer_due": _after(opened_at, ANSWER_SECONDS),
        "root_cause_due": _after(opened_at, ROOT_CAUSE_SECONDS),
        "events_read": endings is not None,
        "endings": [vars(each) for each in endings or ()],
        "turns": [_redacted(each) for each in turns or ()],
    }


def _redacted(turn: BadTurn) -> dict[str, Any]:
    question, text = redact_turn(turn.question or "", turn.text or "")
    words = {"question": question or None, "text": text or None}
    return vars(turn) | words


def _after(moment: dt.datetime, seconds: float) -> str:
    return (moment + dt.timedelta(seconds=seconds)).isoformat()
