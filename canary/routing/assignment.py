"""Which arm a unit is drawn to, and the record that keeps it there.

A unit (customer, else cookie) is drawn once a test, by a hash, and keeps its arm for seven days. A
conversation keeps the arm that served its last turn; when it cannot, the turn says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import mmh3

from canary.routing.parameter import AssignmentParameter, ParameterView

__all__ = [
    "BUCKETS",
    "CONVERSATIONS_KEPT",
    "PIN_SECONDS",
    "Assignment",
    "Reason",
    "Resolution",
    "Seen",
    "bucket",
    "confirm",
    "draw",
    "needs_draw",
    "resolve",
]

Arm = Literal["control", "canary"]
Reason = Literal["canary_rollback", "promotion", "canary_unavailable"]

BUCKETS = 10_000
PIN_SECONDS = 7 * 86_400
CONVERSATIONS_KEPT = 8


def bucket(unit_id: str, test_id: str) -> int:
    """The unit's place in the test, 0 to 9,999; independent between tests."""
    place: int = mmh3.hash(f"{unit_id}:{test_id}", signed=False) % BUCKETS
    return place


def draw(unit_id: str, test_id: str, rate: float) -> Arm:
    """The unit's arm at `rate`: reproducible, and a unit that is canary stays so as rates rise."""
    return "canary" if bucket(unit_id, test_id) < round(rate * BUCKETS) else "control"


@dataclass(frozen=True)
class Seen:
    """One conversation: what served its last turn, the test it was drawn in, whether it moved."""

    served: Arm
    test_id: str | None = None
    moved: bool = False


@dataclass(frozen=True)
class Assignment:
    """The record of one unit, kept in Redis for seven days. Times are epoch seconds.

    `arm` is the arm drawn and is what every analysis uses; it is `None` for a unit never drawn.
    """

    unit_id: str
    model_version: str = ""
    arm: Arm | None = None
    p_canary: float | None = None
    assigned_at: float | None = None
    test_id: str | None = None
    stage: int | None = None
    stratum: str | None = None
    policy_version: str | None = None
    intent_assignments: Mapping[str, str] = field(default_factory=dict)
    """Every intent the unit has asked about since the draw, and the arm that served it."""
    reassigned_at: float | None = None
    reassigned_reason: Reason | None = None
    conversations: Mapping[str, Seen] = field(default_factory=dict)
    """The unit's last conversations, the newest last."""

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Assignment:
        """The record whose fields `value` holds.

        Raises `KeyError`, `TypeError` or `AttributeError` when it holds something else.
        """
        seen = {key: Seen(**each) for key, each in value["conversations"].items()}
        return cls(**{**value, "conversations": seen})

    def arm_of(self, conversation_id: str) -> Arm | None:
        """The arm an outcome of that conversation belongs to: the drawn one, moved or not."""
        seen = self.conversations.get(conversation_id)
        return self.arm if seen and seen.test_id and seen.test_id == self.test_id else None

    def pinned(self, test_id: str, now: float) -> bool:
        """Whether the unit has an arm in that test that is not yet seven days old."""
        return (
            self.arm is not None
            and self.test_id == test_id
            and self.assigned_at is not None
            and now - self.assigned_at < PIN_SECONDS
        )


@dataclass(frozen=True)
class Resolution:
    """What one turn does.

    `serve` is the arm to ask for; `arm` the one the turn is counted in, `None` outside a test.
    `reassigned_reason` is set on the turn that moves; `previous` served the conversation before.
    """

    record: Assignment
    serve: Arm
    arm: Arm | None
    reassigned_reason: Reason | None = None
    first_of_unit: bool = False
    previous: Arm | None = None


def needs_draw(
    record: Assignment | None,
    view: ParameterView,
    *,
    conversation_id: str,
    now: float,
    flag: bool | None = None,
) -> bool:
    """Whether this turn must ask the gateway's listener for an arm first (`alb` routing)."""
    parameter = _in_force(view, flag, now)
    if parameter is None or parameter.routing != "alb" or parameter.promoting:
        return False
    if record is None:
        return True
    return conversation_id not in record.conversations and not record.pinned(parameter.test_id, now)


def resolve(
    record: Assignment | None,
    view: ParameterView,
    *,
    unit_id: str,
    conversation_id: str,
    intent: str,
    now: float,
    flag: bool | None = None,
    drawn: Arm | None = None,
    session_lost: bool = False,
) -> Resolution:
    """Decide who answers one turn, and the record to store.

    `record` is what Redis holds of the unit (or, with Redis down, what this task remembers);
    `session_lost` says that it could not be asked and nothing is remembered. `flag` is Redis's
    `canary_active`, `None` when absent; either source saying inactive serves control. `drawn` is
    the listener's answer under `alb` routing, `None` when it failed.
    """
    record = record or Assignment(unit_id=unit_id)
    turn = _Turn(record, conversation_id, intent, now)
    published = view.fresh(now)
    parameter = _in_force(view, flag, now)
    if parameter is None:
        return _outside(turn, published, flag, session_lost)
    if parameter.promoting:
        return _promoting(turn, parameter, session_lost)
    if session_lost:
        return turn.serve("control", parameter, reason="canary_unavailable")
    if turn.seen is not None:
        return _continue(turn, parameter, turn.seen)
    if record.pinned(parameter.test_id, now) and record.arm:
        return turn.serve(record.arm, parameter, arm=record.arm)
    return _draw(turn, parameter, drawn)


def confirm(
    resolution: Resolution,
    view: ParameterView,
    *,
    conversation_id: str,
    served_by: Arm,
    now: float,
) -> Resolution:
    """Correct the record by the arm whose task set answered, from the gateway's own answer.

    Listener rules move before the parameter is read again: for some seconds a rollback answers
    `canary` from the primary. The conversation then stays where it went, and the turn says so.
    A fallback, which the API chose itself, is no such move: do not confirm it.
    """
    if served_by == resolution.serve:
        return resolution
    seen = resolution.record.conversations[conversation_id]
    if served_by == resolution.previous:
        conversations = {
            **resolution.record.conversations,
            conversation_id: replace(seen, served=served_by),
        }
        record = replace(resolution.record, conversations=conversations)
        return replace(resolution, record=record, serve=served_by, reassigned_reason=None)
    parameter = view.parameter
    promotion = served_by == "canary" or (
        parameter is not None and (parameter.promoting or parameter.promoted)
    )
    reason: Reason = "promotion" if promotion else "canary_rollback"
    record = replace(
        resolution.record,
        reassigned_at=now,
        reassigned_reason=reason,
        conversations={
            **resolution.record.conversations,
            conversation_id: replace(seen, served=served_by, moved=True),
        },
    )
    return replace(resolution, record=record, serve=served_by, reassigned_reason=reason)


@dataclass(frozen=True)
class _Turn:
    """One turn while it is being resolved."""

    record: Assignment
    conversation_id: str
    intent: str
    now: float

    @property
    def seen(self) -> Seen | None:
        return self.record.conversations.get(self.conversation_id)

    def serve(
        self,
        serve: Arm,
        parameter: AssignmentParameter | None,
        *,
        arm: Arm | None = None,
        reason: Reason | None = None,
        first: bool = False,
    ) -> Resolution:
        """Serve the turn, and remember the conversation under the test that drew it."""
        before, record = self.seen, self.record
        test_id = before.test_id if before else (parameter.test_id if arm and parameter else None)
        moved = reason is not None or bool(before and before.moved)
        kept = {k: v for k, v in record.conversations.items() if k != self.conversation_id}
        while len(kept) >= CONVERSATIONS_KEPT:
            del kept[next(iter(kept))]
        intents = {**record.intent_assignments, self.intent: serve} if record.arm else {}
        record = replace(
            record,
            model_version=_model(parameter, serve) or record.model_version,
            intent_assignments=intents,
            conversations={**kept, self.conversation_id: Seen(serve, test_id, moved)},
        )
        if reason:
            record = replace(record, reassigned_at=self.now, reassigned_reason=reason)
        previous = before.served if before else None
        return Resolution(record, serve, arm, reason, first, previous)

    def assigned(self, arm: Arm, p_canary: float, parameter: AssignmentParameter) -> _Turn:
        """The turn with its unit drawn anew."""
        record = replace(
            self.record,
            arm=arm,
            p_canary=p_canary,
            assigned_at=self.now,
            test_id=parameter.test_id,
            stage=parameter.stage,
            stratum=self.intent,
            policy_version=parameter.policy_version,
            intent_assignments={},
            reassigned_at=None,
            reassigned_reason=None,
        )
        return replace(self, record=record)


def _in_force(view: ParameterView, flag: bool | None, now: float) -> AssignmentParameter | None:
    parameter = view.fresh(now)
    return parameter if parameter and parameter.active and flag is not False else None


def _outside(
    turn: _Turn, published: AssignmentParameter | None, flag: bool | None, session_lost: bool
) -> Resolution:
    """No release is known to be in force: control for everyone, and nobody is counted."""
    reason: Reason | None = None
    if turn.seen is not None and turn.seen.served == "canary":
        if published is None and flag is not False:
            reason = "canary_unavailable"
        else:
            reason = "promotion" if published and published.promoted else "canary_rollback"
    elif session_lost and (published is None or published.test_id):
        reason = "canary_unavailable"
    return turn.serve("control", published, reason=reason)


def _promoting(turn: _Turn, parameter: AssignmentParameter, session_lost: bool) -> Resolution:
    """Everything is on the canary; a unit or conversation of control moves once, and says so."""
    was_control = (turn.seen is not None and turn.seen.served == "control") or (
        turn.record.arm == "control" and turn.record.test_id == parameter.test_id
    )
    reason: Reason | None = "promotion" if was_control or session_lost else None
    if turn.record.arm == "canary" and turn.record.test_id == parameter.test_id:
        return turn.serve("canary", parameter, arm="canary", reason=reason)
    first = not (turn.record.arm and turn.record.test_id == parameter.test_id)
    drawn = turn.assigned("canary", 1.0, parameter)
    return drawn.serve("canary", parameter, arm="canary", reason=reason, first=first)


def _continue(turn: _Turn, parameter: AssignmentParameter, seen: Seen) -> Resolution:
    """A conversation under way stays as it is, in the test only if the test drew it."""
    record = turn.record
    if seen.test_id == parameter.test_id and not seen.moved:
        return turn.serve(
            seen.served, parameter, arm=seen.served if seen.served == record.arm else None
        )
    if seen.served == "control":
        return turn.serve("control", parameter)
    reason: Reason = "promotion" if record.p_canary == 1 else "canary_rollback"
    return turn.serve("control", parameter, reason=reason)


def _draw(turn: _Turn, parameter: AssignmentParameter, drawn: Arm | None) -> Resolution:
    """Draw a new unit; without a rate, or when the listener gave no answer, it stays outside."""
    if parameter.routing == "alb":
        rate = next(iter(parameter.rates.values()), 0.0)
        arm = drawn
    else:
        rate = parameter.rates.get(turn.intent, 0.0)
        arm = draw(turn.record.unit_id, parameter.test_id, rate)
    if arm is None or rate <= 0:
        return turn.serve("control", parameter)
    return turn.assigned(arm, rate, parameter).serve(arm, parameter, arm=arm, first=True)


def _model(parameter: AssignmentParameter | None, serve: Arm) -> str:
    if parameter is None:
        return ""
    if serve == "canary" or parameter.promoted:
        return parameter.canary_model
    return parameter.control_model
