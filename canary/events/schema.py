"""What the API tier writes down, one JSON object a line: the one place that names its fields.

The writer is checked against it, the table of Athena has its columns, and
`docs/reference/events.md` is made from it. A field may be added to a version; what a field means
may not change, nor may one go, without the next version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["EVENTS", "VERSION", "Field", "columns", "fields_of", "problems"]

VERSION = 1
Kind = Literal["string", "double", "int", "boolean"]


@dataclass(frozen=True)
class Field:
    """One field: its type in Athena, what it means, and whether it may be null or absent."""

    name: str
    kind: Kind
    means: str
    null: bool = False
    optional: bool = False


_ENVELOPE = (
    Field("event", "string", "`assignment`, `turn` or `outcome`"),
    Field("version", "int", "the version of this schema"),
    Field("event_id", "string", "the same for the same event, however often it arrives"),
    Field("time", "string", "when it happened, ISO 8601 in UTC with milliseconds"),
    Field("epoch", "double", "the same in seconds since 1970"),
    Field("region", "string", "the AWS region"),
)
_DRAWN = (
    Field("release_id", "string", "the release that was active", null=True),
    Field("test_id", "string", "the test that the unit was drawn in", null=True),
    Field("stage", "int", "the stage of the *draw*", null=True),
    Field("stratum", "string", "the intent of the unit's first message", null=True),
    Field("arm", "string", "the arm drawn, whatever answered: `control` or `canary`", null=True),
    Field("p_canary", "double", "the probability of the canary in that draw", null=True),
)
_WHO = (
    Field("conversation_id", "string", "the conversation"),
    Field("unit_id", "string", "who is randomised: the customer, else the session's cookie"),
)
_TURN = (
    Field("intent", "string", "what this message is about"),
    Field("turn", "int", "its number in the conversation, from 1"),
    Field("first_of_unit", "boolean", "true on the one turn that drew the unit"),
    Field("served_by", "string", "the arm that answered; null when none did", null=True),
    Field("model_id", "string", "the model that answered", null=True),
    Field(
        "status",
        "string",
        "how the last attempt ended: `ok`, `refused` (a guardrail), `throttled`, `error`, "
        "`timeout`",
    ),
    Field("error_flag", "boolean", "the first attempt, in the arm drawn, failed"),
    Field("error", "boolean", "the same, under the name that the queries read"),
    Field("throttled", "boolean", "the first attempt was throttled"),
    Field("fallback", "boolean", "a second attempt was made, or the assignment was lost"),
    Field("latency_ms", "double", "the whole turn, in milliseconds"),
    Field("slow", "boolean", "longer than the policy's `slow_ms`"),
    Field("input_tokens", "int", "tokens of the last attempt's prompt", null=True),
    Field("output_tokens", "int", "tokens of its answer", null=True),
    Field("token_count", "int", "the sum of both; 0 when no model answered"),
    Field("cache_hit", "boolean", "its model answered the same question before; none was asked"),
    Field("policy_version", "string", "the policy in force at the draw", null=True),
    Field(
        "reassigned_reason",
        "string",
        "why the conversation moved: `canary_rollback`, `promotion`, `canary_unavailable`",
        null=True,
    ),
    Field("sampled", "boolean", "the quality detector reads this turn"),
    Field(
        "question", "string", "what was asked, redacted; only when sampled or scored", optional=True
    ),
    Field(
        "text", "string", "what was answered, redacted; only when sampled or scored", optional=True
    ),
    Field(
        "bandit",
        "string",
        "where the intent has a bandit, its decision as JSON text: id, arm, every arm's "
        "probability, allocation, context, when",
        optional=True,
    ),
    Field("bandit_arm", "string", "the wording drawn by it", optional=True),
    Field("bandit_p", "double", "that wording's probability in its draw", optional=True),
    Field("bandit_scored", "boolean", "this answer's quality is scored", optional=True),
)
_OUTCOME = (
    Field("completed", "boolean", "the customer got what they came for", null=True),
    Field("csat", "int", "satisfaction, 1 to 4; null when not asked or not answered", null=True),
    Field("clicked", "boolean", "an offer was clicked; null when none was made", null=True),
    Field("cart_abandoned", "boolean", "null without a cart", null=True),
    Field("escalated", "boolean", "the customer went on to a person", null=True),
)
EVENTS: Mapping[str, tuple[Field, ...]] = {
    "assignment": (
        *_ENVELOPE,
        *_DRAWN,
        *_WHO,
        Field("policy_version", "string", "the policy in force at the draw", null=True),
    ),
    "turn": (*_ENVELOPE, *_DRAWN, *_WHO, *_TURN),
    "outcome": (*_ENVELOPE, *_DRAWN, *_WHO, *_OUTCOME),
}
"""The fields of each event, in the order of the documentation."""

_BY_NAME = {event: {each.name: each for each in fields} for event, fields in EVENTS.items()}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "double": (float, int),
    "int": (int,),
    "boolean": (bool,),
}


def fields_of(event: str) -> frozenset[str]:
    """The names of an event's fields. Raises `KeyError` for an unknown event."""
    return frozenset(_BY_NAME[event])


def columns() -> dict[str, str]:
    """Each field of any event, with its type in Athena."""
    return {each.name: each.kind for fields in EVENTS.values() for each in fields}


def problems(line: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with an event, each with its field; nothing for a good one.

    No value is quoted: a problem may be logged.
    """
    known = _BY_NAME.get(str(line.get("event")))
    if known is None:
        return ("event: none of " + ", ".join(EVENTS),)
    return tuple(_problems(line, known))


def _problems(line: Mapping[str, Any], known: Mapping[str, Field]) -> Iterator[str]:
    if line.get("version") != VERSION:
        yield f"version: not {VERSION}"
    for name in line.keys() - known.keys():
        yield f"{name}: no field of this event"
    for name, each in known.items():
        if name not in line:
            if not each.optional:
                yield f"{name}: missing"
        elif line[name] is None:
            if not each.null:
                yield f"{name}: null"
        elif not isinstance(line[name], _TYPES[each.kind]) or (
            isinstance(line[name], bool) and each.kind != "boolean"
        ):
            yield f"{name}: no {each.kind}"
