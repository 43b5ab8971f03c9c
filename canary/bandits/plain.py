"""A bandit's state as plain data: for JSON as for DynamoDB, which takes no floats.

Whole numbers stay numbers; others are written as their shortest exact text. What is read back is
equal to what was written, to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

from canary.bandits.allocation import Allocation
from canary.bandits.context import Context
from canary.bandits.linear import LinearSums
from canary.bandits.log import Decision
from canary.bandits.review import Review
from canary.bandits.revise import Finding
from canary.bandits.rules import Rules
from canary.bandits.serving import Serving, Servings
from canary.bandits.state import Arm, BanditState
from canary.bandits.tally import Moments, Week
from canary.statistics.ratio_metric import Totals

__all__ = [
    "SCHEMA",
    "Plain",
    "decision_of",
    "plain_decision",
    "plain_finding",
    "plain_review",
    "plain_servings",
    "plain_state",
    "servings_of",
    "state_of",
]

SCHEMA = 1
"""Raised when a field changes its meaning; a state of another schema is refused, not guessed at."""

Plain: TypeAlias = "bool | int | str | list[Plain] | dict[str, Plain] | None"

_DRAWING = ("floor", "breadth", "ridge")
_WHOLE = 2.0**53
"""Up to here a float and an integer are the same number."""


def plain_state(state: BanditState) -> dict[str, Plain]:
    """The state with its schema's number."""
    return {"schema": SCHEMA, **_fields(state)}


def state_of(value: Mapping[str, Any]) -> BanditState:
    """Read what `plain_state` wrote, also when numbers came back as `Decimal`.

    Raises `ValueError` for another schema and for a state that lacks something.
    """
    if value.get("schema") != SCHEMA:
        raise ValueError(f"schema: {value.get('schema')!r} is not {SCHEMA}")
    try:
        return BanditState(
            intent=value["intent"],
            kind=value["kind"],
            revision=int(value["revision"]),
            started_at=float(value["started_at"]),
            learning_since=float(value["learning_since"]),
            settled_until=float(value["settled_until"]),
            arms=tuple(_arm(each) for each in value["arms"]),
            current=_allocation(value["current"]),
            upcoming=None if value["upcoming"] is None else _allocation(value["upcoming"]),
            judged_week=int(value["judged_week"]),
        )
    except (KeyError, TypeError) as problem:
        raise ValueError(f"state: {problem} is missing or of another type") from problem


def plain_decision(decision: Decision) -> dict[str, Plain]:
    """The decision with its schema's number."""
    return {"schema": SCHEMA, **_fields(decision)}


def decision_of(value: Mapping[str, Any]) -> Decision:
    """Read what `plain_decision` wrote; errors as for `state_of`."""
    if value.get("schema") != SCHEMA:
        raise ValueError(f"schema: {value.get('schema')!r} is not {SCHEMA}")
    try:
        context = value["context"]
        return Decision(
            decision_id=value["decision_id"],
            intent=value["intent"],
            unit_id=value["unit_id"],
            decided_at=float(value["decided_at"]),
            arm=value["arm"],
            shares=_shares(value["shares"]),
            allocation=int(value["allocation"]),
            context=None
            if context is None
            else Context(float(context["complexity"]), context["language"], context["prime"]),
            release_arm=value["release_arm"],
        )
    except (KeyError, TypeError) as problem:
        raise ValueError(f"decision: {problem} is missing or of another type") from problem


def plain_servings(served: Servings) -> dict[str, Plain]:
    """What is published, with its schema's number; of the rules just those that a draw needs."""
    rules = {name: _plain(getattr(served.rules, name)) for name in _DRAWING}
    return {"schema": SCHEMA, **_fields(served), "rules": rules}


def servings_of(value: Mapping[str, Any]) -> Servings:
    """Read what `plain_servings` wrote; errors as for `state_of`."""
    if value.get("schema") != SCHEMA:
        raise ValueError(f"schema: {value.get('schema')!r} is not {SCHEMA}")
    try:
        return Servings(
            Rules(
                floor=float(value["rules"]["floor"]),
                breadth=float(value["rules"]["breadth"]),
                ridge=float(value["rules"]["ridge"]),
            ),
            float(value["sampling"]),
            {
                intent: Serving(
                    intent,
                    _allocation(each["current"]),
                    {str(arm): str(prompt) for arm, prompt in each["prompts"].items()},
                    None if each["upcoming"] is None else _allocation(each["upcoming"]),
                )
                for intent, each in value["intents"].items()
            },
        )
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"servings: {problem} is missing or of another type") from problem


def plain_review(found: Review) -> dict[str, Plain]:
    """A review to record; what is not a number, or infinite, becomes None."""
    return {"schema": SCHEMA, **_fields(found)}


def plain_finding(found: Finding) -> dict[str, Plain]:
    """What a guardrail did, to record."""
    return {"schema": SCHEMA, **_fields(found)}


def _fields(record: Any) -> dict[str, Plain]:
    return {each.name: _plain(getattr(record, each.name)) for each in fields(record)}


def _plain(value: Any) -> Plain:
    if isinstance(value, str):
        return str(value)  # of an enumeration too
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if is_dataclass(value):
        return _fields(value)
    return [_plain(each) for each in value]


def _number(value: float) -> int | str | None:
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) <= _WHOLE else repr(float(value))


def _shares(value: Mapping[str, Any]) -> dict[str, int]:
    return {arm: int(parts) for arm, parts in value.items()}


def _allocation(value: Mapping[str, Any]) -> Allocation:
    return Allocation(
        number=int(value["number"]),
        since=float(value["since"]),
        shares=_shares(value["shares"]),
        linear={arm: _linear(each) for arm, each in value["linear"].items()},
    )


def _linear(value: Mapping[str, Any]) -> LinearSums:
    return LinearSums(
        n=int(value["n"]),
        outer=tuple(tuple(float(each) for each in row) for row in value["outer"]),
        gain=tuple(float(each) for each in value["gain"]),
    )


def _arm(value: Mapping[str, Any]) -> Arm:
    removed = value["removed_at"]
    return Arm(
        name=value["name"],
        successes=int(value["successes"]),
        failures=int(value["failures"]),
        linear=None if value["linear"] is None else _linear(value["linear"]),
        weeks={int(number): _week(week) for number, week in value["weeks"].items()},
        removed_at=None if removed is None else float(removed),
    )


def _week(value: Any) -> Week:
    decisions, sums, quality = value
    n, added, squares = quality
    return Week(
        int(decisions),
        Totals(*(float(each) for each in sums)),
        Moments(int(n), float(added), float(squares)),
    )
