"""The model gateway: `uvicorn services.gateway.app:app` serves one arm's model.

On SIGTERM the server finishes the requests it has; the load balancer has stopped sending new ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from canary.aws import clock
from canary.aws.settings import from_environment
from services.gateway.attestation import attest
from services.gateway.model import CLIENT_CONFIG, ModelCallError, converse
from services.gateway.settings import Settings

__all__ = ["app", "create_app"]

_STATUS = {"throttled": 429, "model_error": 502, "timeout": 504}
DATABASE_CONFIG = AioConfig(
    connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 3, "mode": "standard"}
)


async def healthz(_request: Request) -> Response:
    """Whether this process answers; it says nothing about the model on purpose."""
    return PlainTextResponse("ok")


async def which_arm(request: Request) -> Response:
    """Which arm the listener's rule chose: this one."""
    settings: Settings = request.app.state.settings
    return JSONResponse({"arm": settings.arm, "model_id": settings.model_id})


async def answer(request: Request) -> Response:
    """Pass one conversation on to the model."""
    settings: Settings = request.app.state.settings
    try:
        body = await request.json()
        messages = [{"role": m["role"], "text": m["text"]} for m in body["messages"]]
        metadata = {
            "arm": settings.arm,
            "conversation_id": str(body["conversation_id"]),
            "turn": str(body["turn"]),
            "attempt": str(body["attempt"]),
            "intent": str(body["intent"]),
        }
        instruction = str(body.get("instruction", ""))
    except (ValueError, KeyError, TypeError) as error:
        return JSONResponse({"error": f"not a conversation: {error!r}"}, status_code=400)
    who: dict[str, Any] = {"arm": settings.arm, "model_id": settings.model_id}
    try:
        reply = await converse(
            request.app.state.model,
            settings.model_id,
            settings.guardrail,
            messages,
            metadata,
            instruction=instruction,
        )
    except ModelCallError as failure:
        return JSONResponse(
            {"error": failure.kind, **who, "latency_ms": failure.latency_ms},
            status_code=_STATUS[failure.kind],
        )
    return JSONResponse(
        {
            "text": reply.text,
            **who,
            "latency_ms": reply.latency_ms,
            "input_tokens": reply.input_tokens,
            "output_tokens": reply.output_tokens,
            "stop_reason": reply.stop_reason,
        }
    )


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the clients, attest in the background, and close them after the last request."""
    started_at = clock.now()
    settings = from_environment(Settings)
    logging.getLogger("uvicorn.access").disabled = True
    session = get_session()
    async with (
        session.create_client("bedrock-runtime", config=CLIENT_CONFIG) as model,
        session.create_client("dynamodb", config=DATABASE_CONFIG) as table,
    ):
        app.state.settings = settings
        app.state.model = model
        attesting = asyncio.create_task(attest(settings, model, table, started_at))
        yield
        attesting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await attesting


def create_app() -> Starlette:
    """A new application; its settings are read from the environment when it starts."""
    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/arm", which_arm),
            Route("/v1/converse", answer, methods=["POST"]),
        ],
        lifespan=lifespan,
    )


app = create_app()
