"""The model gateway: `uvicorn services.gateway.app:app` serves one arm's model.

On SIGTERM the server finishes the requests it has; the load balancer has stopped sending new ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from canary.aws import clock
from canary.aws.direct_calls import answered_directly
from canary.aws.settings import from_environment
from services.gateway.attestation import attest
from services.gateway.meter import Meter
from services.gateway.model import CLIENT_CONFIG, Answer, ModelCallError, converse
from services.gateway.settings import Settings
from services.gateway.streaming import converse_stream

__all__ = ["app", "create_app"]

ARM_HEADER = "x-canary-arm"
LINES = "application/x-ndjson"
_STATUS = {"throttled": 429, "model_error": 502, "timeout": 504}
DATABASE_CONFIG = AioConfig(
    connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 3, "mode": "standard"}
)


async def healthz(_request: Request) -> Response:
    """Whether this process answers; it says nothing about the model on purpose."""
    return PlainTextResponse("ok")


async def which_arm(request: Request) -> Response:
    """Which arm the listener's rule chose: this one."""
    settings: Settings = request.state.settings
    return _json({"arm": settings.arm, "model_id": settings.model_id})


async def answer(request: Request) -> Response:
    """Pass one conversation on to the model."""
    settings: Settings = request.state.settings
    meter: Meter = request.state.meter
    try:
        body = orjson.loads(await request.body())
        messages = [{"role": m["role"], "text": m["text"]} for m in body["messages"]]
        metadata = {
            "arm": settings.arm,
            "conversation_id": str(body["conversation_id"]),
            "turn": str(body["turn"]),
            "attempt": str(body["attempt"]),
            "intent": str(body["intent"]),
        }
        streamed = body.get("stream", False) is True
        instruction = str(body.get("instruction", ""))
    except (ValueError, KeyError, TypeError) as error:
        return _json({"error": f"not a conversation: {error!r}"}, 400)
    asked = (request.state.model, settings.model_id, settings.guardrail, messages, metadata)
    who = {"arm": settings.arm, "model_id": settings.model_id}
    header = {ARM_HEADER: settings.arm}
    try:
        if streamed:
            pieces = converse_stream(*asked, instruction=instruction)
            first = await anext(pieces)
            lines = _lines(first, pieces, who, meter)
            return StreamingResponse(lines, headers=header, media_type=LINES)
        reply = await converse(*asked, instruction=instruction)
    except ModelCallError as failure:
        meter.record(failure)
        document = _failed(failure, who)
        return _json(document, _STATUS[failure.kind], header)
    meter.record(reply)
    return _json(_ended(reply, who), headers=header)


async def _lines(
    first: str | Answer,
    pieces: AsyncIterator[str | Answer],
    who: Mapping[str, str],
    meter: Meter,
) -> AsyncIterator[bytes]:
    """A JSON line a piece; the last is what a call without a stream answers, or its failure."""
    try:
        piece: str | Answer | None = first
        while isinstance(piece, str):
            yield _line({"piece": piece})
            piece = await anext(pieces, None)
    except ModelCallError as failure:
        meter.record(failure)
        yield _line(_failed(failure, who))
        return
    if piece is not None:
        meter.record(piece)
        yield _line(_ended(piece, who))


def _ended(reply: Answer, who: Mapping[str, str]) -> dict[str, Any]:
    return {**vars(reply), **who}


def _failed(failure: ModelCallError, who: Mapping[str, str]) -> dict[str, Any]:
    return {"error": failure.kind, **who, "latency_ms": failure.latency_ms}


def _json(
    document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(orjson.dumps(document), status, headers, media_type="application/json")


def _line(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


@contextlib.asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[dict[str, Any]]:
    """Open the clients, attest in the background, and close them after the last request."""
    started_at = clock.now()
    settings = from_environment(Settings)
    logging.getLogger("uvicorn.access").disabled = True
    session = get_session()
    async with (
        session.create_client("bedrock-runtime", config=CLIENT_CONFIG) as model,
        session.create_client("dynamodb", config=DATABASE_CONFIG) as table,
        answered_directly(model, "Converse", await session.get_credentials()),
    ):
        meter = Meter(settings)
        background = [
            asyncio.create_task(attest(settings, model, table, started_at)),
            asyncio.create_task(meter.run()),
        ]
        yield {"settings": settings, "model": model, "meter": meter}
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        meter.publish()


def create_app() -> Router:
    """A new application; its settings are read from the environment when it starts.

    A bare router, as the API's.
    """
    return Router(
        [
            Route("/healthz", healthz),
            Route("/arm", which_arm),
            Route("/v1/converse", answer, methods=["POST"]),
        ],
        lifespan=lifespan,
    )


app = create_app()
