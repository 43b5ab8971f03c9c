"""What customers' clients may call: each endpoint once, for its route and its description."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from canary.aws import clock
from services.api.apology import RETRY_SECONDS, apology
from services.api.limits import BodyTooLargeError, TooManyRequestsError, read_body
from services.api.messages import (
    Accepted,
    Answer,
    ChatBody,
    Conversation,
    EventsBody,
    FeedbackBody,
    Readiness,
    Refusal,
    Unanswered,
    problem,
)
from services.api.openapi import COOKIE, Endpoint, Reply, document
from services.api.outcomes import Outcome
from services.api.questions import Question
from services.api.questions import Reply as Served
from services.api.streaming import EVENTS, STREAM, Relay, sse
from services.api.turns import Turns

__all__ = ["ENDPOINTS", "description"]

COOKIE_SECONDS = 30 * 86_400
TRACE_HEADER = "x-amzn-trace-id"
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,128}")
_Body = TypeVar("_Body", bound=Conversation)


async def healthz(_request: Request) -> Response:
    """Whether this process answers; it says nothing about what it depends on, on purpose."""
    return PlainTextResponse("ok")


async def readyz(request: Request) -> Response:
    """Whether this task has what it needs, which a new image must show before customers come.

    A task that once was ready stays it: without the parameter, the cache or the classifier it
    serves control.
    """
    state = request.state
    view = state.feed.view
    breaker = state.intents.breaker
    ready = Readiness(
        ready=view.parameter is not None,
        assignment_age_seconds=round(clock.now() - view.read_at, 3) if view.parameter else None,
        sessions="failing" if state.sessions.failing else "ok",
        classifier="open" if breaker.open else "failing" if breaker.failing else "ok",
    )
    return _json(ready, 200 if ready.ready else 503)


async def openapi(_request: Request) -> Response:
    """This document."""
    return JSONResponse(description())


async def chat(request: Request) -> Response:
    """One turn of a conversation."""

    async def serve(body: ChatBody, unit_id: str) -> Response:
        question = Question(
            unit_id=unit_id,
            conversation_id=body.conversation_id,
            message=body.message,
            trace=request.headers.get(TRACE_HEADER, ""),
            prime=body.prime,
        )
        turns = request.state.turns
        if body.stream or EVENTS in request.headers.get("accept", ""):
            return await _streamed(question, turns)
        return _answered(question, await turns.serve(question))

    return await _take(request, ChatBody, serve)


async def feedback(request: Request) -> Response:
    """How satisfied a customer is with a conversation."""

    async def record(body: FeedbackBody, unit_id: str) -> Response:
        outcome = Outcome(unit_id, body.conversation_id, csat=body.csat)
        await request.state.outcomes.record(outcome)
        return _json(Accepted(), 202)

    return await _take(request, FeedbackBody, record)


async def events(request: Request) -> Response:
    """What a customer did in a conversation."""

    async def record(body: EventsBody, unit_id: str) -> Response:
        outcome = Outcome.of_events(unit_id, body.conversation_id, body.events)
        await request.state.outcomes.record(outcome)
        return _json(Accepted(), 202)

    return await _take(request, EventsBody, record)


async def _take(
    request: Request, kind: type[_Body], serve: Callable[[_Body, str], Awaitable[Response]]
) -> Response:
    """Read and check a body, find whose it is, and serve it; whatever is wrong is a clear 4xx."""
    try:
        body = kind.model_validate_json(await read_body(request))
        visitor = body.session_id or _session(request)
        unit_id = body.customer_id or visitor or uuid.uuid4().hex
        response = await serve(body, unit_id)
    except BodyTooLargeError:
        return _refused(413, "body: too large")
    except TimeoutError:
        return _refused(408, "body: did not arrive in time")
    except ValidationError as error:
        return _refused(422, problem(error))
    except TooManyRequestsError as error:
        return _refused(429, str(error), {"retry-after": str(error.retry_after)})
    if not (body.customer_id or visitor):
        response.set_cookie(
            COOKIE, unit_id, max_age=COOKIE_SECONDS, httponly=True, secure=True, samesite="lax"
        )
    return response


def _session(request: Request) -> str | None:
    """The cookie's session; a cookie that this service never made is as good as none."""
    cookie = request.cookies.get(COOKIE, "")
    return cookie if _SESSION.fullmatch(cookie) else None


async def _streamed(question: Question, turns: Turns) -> Response:
    """The turn as it comes; while nothing was said, its failure is an ordinary answer."""
    relay = Relay()
    turn = turns.start(question, relay)
    turn.add_done_callback(lambda _: relay.end())
    if await relay.begins():

        async def events() -> AsyncIterator[str]:
            async for event in relay.events():
                yield event
            end = _end(question, await turn)
            yield sse("done" if isinstance(end, Answer) else "error", end.model_dump_json())

        headers = {"cache-control": "no-store"}
        return StreamingResponse(events(), headers=headers, media_type=EVENTS)
    return _answered(question, await turn)


def _answered(question: Question, served: Served) -> Response:
    end = _end(question, served)
    if isinstance(end, Answer):
        return _json(end)
    status = 504 if served.attempt.outcome == "timeout" else 502
    return _json(end, status, {"retry-after": str(RETRY_SECONDS)})


def _end(question: Question, served: Served) -> Answer | Unanswered:
    """What a turn came to."""
    attempt = served.attempt
    if not attempt.answered:
        return Unanswered(
            error="model: did not answer",
            text=apology(question.message),
            retry_after_seconds=RETRY_SECONDS,
        )
    return Answer(
        conversation_id=question.conversation_id,
        turn=served.turn,
        arm=served.resolution.serve,
        model_version=attempt.model_id,
        text=attempt.text,
        reassigned_reason=served.resolution.reassigned_reason,
    )


def _json(
    model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(model.model_dump_json(), status, headers, media_type="application/json")


def _refused(status: int, error: str, headers: Mapping[str, str] | None = None) -> Response:
    return _json(Refusal(error=error), status, headers)


_AGAIN = {"Retry-After": "seconds to wait"}
_REFUSALS = {
    408: Reply("The body did not arrive in time.", Refusal),
    413: Reply("The body is larger than 64 KiB.", Refusal),
    422: Reply("The body is not what this endpoint takes; the error names the field.", Refusal),
    429: Reply("The session has had its requests of this minute.", Refusal, _AGAIN),
}
_TAKEN = {202: Reply("It is written down.", Accepted), **_REFUSALS}
_COUNTED = {
    200: Reply("The answer.", Answer, also={EVENTS: {"schema": STREAM}}),
    **_REFUSALS,
}

ENDPOINTS = (
    Endpoint(
        *("POST", "/v1/chat", "chat", "One turn of a conversation"),
        {
            **_COUNTED,
            502: Reply("No model answered.", Unanswered, _AGAIN),
            504: Reply("No model answered in time.", Unanswered, _AGAIN),
        },
        chat,
        ChatBody,
    ),
    Endpoint(
        *("POST", "/v1/feedback", "feedback", "How satisfied a customer is with a conversation"),
        _TAKEN,
        feedback,
        FeedbackBody,
    ),
    Endpoint(
        *("POST", "/v1/events", "events", "What a customer did in a conversation"),
        _TAKEN,
        events,
        EventsBody,
    ),
    Endpoint(
        *("GET", "/healthz", "healthz", "Whether this process answers"),
        {200: Reply("It does.", {"text/plain": {"schema": {"type": "string"}}})},
        healthz,
    ),
    Endpoint(
        *("GET", "/readyz", "readyz", "Whether this task has what it needs to serve"),
        {
            200: Reply("It has.", Readiness),
            503: Reply("It has not read the assignment yet.", Readiness),
        },
        readyz,
    ),
    Endpoint(
        *("GET", "/openapi.json", "openapi", "This document"),
        {200: Reply("OpenAPI 3.1.", {"application/json": {"schema": {"type": "object"}}})},
        openapi,
    ),
)


def description() -> dict[str, Any]:
    """The OpenAPI document of these endpoints."""
    return document(ENDPOINTS)
