"""What the API takes and answers: each body once, for its check and for the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

__all__ = [
    "Accepted",
    "Answer",
    "ChatBody",
    "Conversation",
    "EventsBody",
    "FeedbackBody",
    "Readiness",
    "Refusal",
    "Unanswered",
    "problem",
]

LONGEST_ID = 128
LONGEST_MESSAGE = 4_000
MOST_EVENTS = 20

Identifier = Annotated[str, Field(min_length=1, max_length=LONGEST_ID, pattern=r"\S")]
WholeNumber = Annotated[
    int, BeforeValidator(lambda said: int(said) if said in (1.0, 2.0, 3.0, 4.0) else said)
]
"""JSON knows one kind of number: 4.0 is 4."""
EventType = Literal["offer", "click", "add_to_cart", "abandon", "resolved", "escalated"]
Arm = Literal["control", "canary"]


class Conversation(BaseModel):
    """Who speaks, in which conversation. Nothing else may be in a body."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    conversation_id: Identifier = Field(description="the client's own name of the conversation")
    session_id: Identifier | None = Field(
        default=None, description="the visitor's session; without it, the cookie's"
    )
    customer_id: Identifier | None = Field(
        default=None,
        description="the customer, where one is signed in: what stands before this service has "
        "made sure of it",
    )


class ChatBody(Conversation):
    """One message of a customer."""

    message: str = Field(
        min_length=1, max_length=LONGEST_MESSAGE, pattern=r"\S", description="what is said"
    )
    prime: bool = Field(
        default=False,
        description="the customer's tier, as what stands before this service knows it; only the "
        "wording of an answer may depend on it",
    )
    stream: bool = Field(
        default=False,
        description="answer as server-sent events; `Accept: text/event-stream` asks for the same",
    )


class FeedbackBody(Conversation):
    """How satisfied the customer is with a conversation."""

    csat: WholeNumber = Field(ge=1, le=4, description="1 (not at all) to 4 (very)")


class EventsBody(Conversation):
    """What the customer did in a conversation."""

    events: list[EventType] = Field(
        min_length=1,
        max_length=MOST_EVENTS,
        description="`offer`: something that can be clicked was shown; `click`: and it was; "
        "`add_to_cart`; `abandon`: the customer left with something in the cart; `resolved`: the "
        "conversation did what the customer came for; `escalated`: a person took over",
    )


class Answer(BaseModel):
    """An answered turn."""

    conversation_id: str
    turn: int = Field(ge=1, description="the turn's number in its conversation, from 1")
    arm: Arm = Field(
        description="the arm that the conversation is on, also where control answered in the "
        "place of a canary that failed"
    )
    model_version: str | None = Field(description="the model that answered")
    text: str
    reassigned_reason: str | None = Field(
        description="why the conversation changed its arm with this turn: `canary_rollback`, "
        "`promotion` or `canary_unavailable`; null where it did not"
    )


class Accepted(BaseModel):
    """It is written down."""

    accepted: Literal[True] = True


class Refusal(BaseModel):
    """Why a request was refused, and what about it was wrong."""

    error: str = Field(description="`where: what is wrong`")


class Unanswered(Refusal):
    """No model answered; `text` may be shown to the customer in its place."""

    text: str
    retry_after_seconds: int


class Readiness(BaseModel):
    """Whether a task can do its work, and what it can reach."""

    ready: bool = Field(description="whether the assignment was read since the task's start")
    assignment_age_seconds: float | None = Field(description="since it was read last")
    sessions: Literal["ok", "failing"] = Field(description="the session cache")
    classifier: Literal["ok", "failing", "open"] = Field(
        description="the intent classifier; `open`: it failed so often that it is not asked"
    )


def problem(error: ValidationError) -> str:
    """The first thing wrong with a body, as `field: what is wrong`.

    What was sent is never repeated: it may be a customer's own words.
    """
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "body"
    return f"{where}: {first['msg']}"
