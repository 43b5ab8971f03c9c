"""What customers' clients send, checked: anything else is refused with the field that is wrong."""

from __future__ import annotations

import json
from typing import Any

from services.api.outcomes import Outcome
from services.api.turns import Question

__all__ = ["BodyError", "read_outcome", "read_question"]

LONGEST_ID = 128
LONGEST_MESSAGE = 4_000
LOWEST_CSAT, HIGHEST_CSAT = 1, 4


class BodyError(ValueError):
    """The request's body is not what the endpoint takes; the message names the field."""


def read_question(raw: bytes) -> Question:
    """The body of `POST /chat`. Raises `BodyError`."""
    body = _object(raw)
    return Question(
        session_id=_text(body, "session_id"),
        customer_id=_text(body, "customer_id") if body.get("customer_id") is not None else None,
        conversation_id=_text(body, "conversation_id"),
        message=_text(body, "message", longest=LONGEST_MESSAGE),
    )


def read_outcome(raw: bytes) -> Outcome:
    """The body of `POST /outcome`. Raises `BodyError`."""
    body = _object(raw)
    session_id = _text(body, "session_id")
    customer_id = _text(body, "customer_id") if body.get("customer_id") is not None else None
    completed = _flag(body, "completed")
    if completed is None:
        raise BodyError("completed: required, true or false")
    csat = body.get("csat")
    if csat is not None and (type(csat) is not int or not LOWEST_CSAT <= csat <= HIGHEST_CSAT):
        raise BodyError(f"csat: {csat!r} is not a whole number from 1 to 4, or null")
    return Outcome(
        unit_id=customer_id or session_id,
        conversation_id=_text(body, "conversation_id"),
        completed=completed,
        csat=csat,
        clicked=_flag(body, "clicked"),
        cart_abandoned=_flag(body, "cart_abandoned"),
    )


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise BodyError("body: not a JSON object")
    return body


def _text(body: dict[str, Any], name: str, *, longest: int = LONGEST_ID) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise BodyError(f"{name}: required, a text of 1 to {longest} characters")
    return value


def _flag(body: dict[str, Any], name: str) -> bool | None:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise BodyError(f"{name}: {value!r} is not true, false or null")
    return value
