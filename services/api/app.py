"""The API tier: `uvicorn services.api.app:app` answers customers and writes down what happened."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from canary.aws import clock
from canary.aws.settings import from_environment
from services.api import events
from services.api.assignments import AssignmentFeed
from services.api.bodies import BodyError, read_outcome, read_question
from services.api.counters import PUBLISH_SECONDS, Counters, metric_line
from services.api.gateway_client import GatewayClient
from services.api.intents import IntentClassifier
from services.api.outcomes import Outcomes
from services.api.sessions import Sessions, connect
from services.api.settings import Settings
from services.api.traces import Traces
from services.api.turns import Turns

__all__ = ["app", "create_app"]

TRACE_HEADER = "x-amzn-trace-id"
PARAMETER_CONFIG = AioConfig(
    connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1, "mode": "standard"}
)
INTENT_CONFIG = AioConfig(
    connect_timeout=1,
    read_timeout=2,
    max_pool_connections=256,
    retries={"total_max_attempts": 1, "mode": "standard"},
)


async def healthz(_request: Request) -> Response:
    """Whether this process answers."""
    return PlainTextResponse("ok")


async def chat(request: Request) -> Response:
    """One turn of a conversation."""
    try:
        question = replace(
            read_question(await request.body()), trace=request.headers.get(TRACE_HEADER, "")
        )
    except BodyError as error:
        return JSONResponse({"error": str(error)}, status_code=400)
    reply = await request.app.state.turns.serve(question)
    if not reply.attempt.answered:
        status = 504 if reply.attempt.outcome == "timeout" else 502
        return JSONResponse({"error": "no model answered"}, status_code=status)
    return JSONResponse(
        {
            "conversation_id": question.conversation_id,
            "turn": reply.turn,
            "arm": reply.resolution.serve,
            "model_version": reply.attempt.model_id,
            "text": reply.attempt.text,
            "reassigned_reason": reply.resolution.reassigned_reason,
        }
    )


async def outcome(request: Request) -> Response:
    """How a conversation ended."""
    try:
        reported = read_outcome(await request.body())
    except BodyError as error:
        return JSONResponse({"error": str(error)}, status_code=400)
    await request.app.state.outcomes.record(reported)
    return JSONResponse({"accepted": True}, status_code=202)


async def publish(counters: Counters, feed: AssignmentFeed, namespace: str) -> None:
    """Write the arms' metrics every 10 s, for ever."""
    while True:
        await clock.pause(PUBLISH_SECONDS)
        if line := events.dropped_line(namespace, clock.now()):
            events.write(line)
        publish_once(counters, feed, namespace)


def publish_once(counters: Counters, feed: AssignmentFeed, namespace: str) -> None:
    """Write the arms' metrics, if the last that was read of the parameter is a release."""
    now, parameter = clock.now(), feed.view.parameter
    taken = counters.take(now)
    if parameter is None or not parameter.active:
        return
    for arm, values in taken.items():
        properties: dict[str, Any] = {
            "release_id": parameter.release_id,
            "test_id": parameter.test_id,
            "stage": parameter.stage,
            "model_id": parameter.canary_model if arm == "canary" else parameter.control_model,
        }
        events.write(metric_line(namespace, arm, now, values, properties))


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the connections, read the assignment once, then poll and publish until the end."""
    settings = from_environment(Settings)
    logging.getLogger("uvicorn.access").disabled = True
    aws = get_session()
    region = aws.get_config_variable("region") or ""
    async with (
        aws.create_client("ssm", config=PARAMETER_CONFIG) as parameters,
        aws.create_client("sagemaker-runtime", config=INTENT_CONFIG) as runtime,
        aws.create_client("xray", config=PARAMETER_CONFIG) as xray,
        GatewayClient.open_session() as session,
        connect(settings) as cache,
    ):
        feed = AssignmentFeed(parameters, settings.parameter_prefix)
        sessions, counters, traces = Sessions(cache), Counters(), Traces(xray)
        app.state.outcomes = Outcomes(sessions, feed, region)
        app.state.turns = Turns(
            sessions=sessions,
            feed=feed,
            intents=IntentClassifier(runtime, settings.intent_endpoint),
            gateway=GatewayClient(session, settings.gateway_url),
            counters=counters,
            traces=traces,
            region=region,
        )
        await feed.read()
        background = [
            asyncio.create_task(feed.poll()),
            asyncio.create_task(publish(counters, feed, settings.metrics_namespace)),
            asyncio.create_task(traces.run()),
        ]
        yield
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        publish_once(counters, feed, settings.metrics_namespace)
        events.BUFFER.drain(wait=True)
        await traces.send()


def create_app() -> Starlette:
    """A new application; its settings are read from the environment when it starts."""
    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/chat", chat, methods=["POST"]),
            Route("/outcome", outcome, methods=["POST"]),
        ],
        lifespan=lifespan,
    )


app = create_app()
