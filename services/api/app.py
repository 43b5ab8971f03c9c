"""The API tier: `uvicorn services.api.app:app` answers customers and writes down what happened."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from starlette.routing import Route, Router

from canary.aws import clock
from canary.aws.direct_calls import answered_directly
from canary.aws.embedded_metrics import metric_line
from canary.aws.settings import from_environment
from services.api import events
from services.api.assignments import AssignmentFeed
from services.api.connections import connect
from services.api.counters import PUBLISH_SECONDS, Counters
from services.api.endpoints import ENDPOINTS
from services.api.gateway_client import GatewayClient
from services.api.intents import IntentClassifier
from services.api.outcomes import Outcomes
from services.api.sessions import Sessions
from services.api.settings import Settings
from services.api.traces import Traces
from services.api.turns import Turns

__all__ = ["app", "create_app"]

PARAMETER_CONFIG = AioConfig(
    connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1, "mode": "standard"}
)
INTENT_CONFIG = AioConfig(
    connect_timeout=1,
    read_timeout=2,
    max_pool_connections=256,
    retries={"total_max_attempts": 1, "mode": "standard"},
    # Every turn makes this call: its few fields are this module's own, and need no checking again.
    parameter_validation=False,
    # A name of one's own is not composed anew for each call, as the SDK's is.
    user_agent="mangaassist-api",
)


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
async def lifespan(_app: object) -> AsyncIterator[dict[str, Any]]:
    """Open the connections, read the assignment once, then poll and publish until the end.

    What endpoints need of it becomes every request's state.
    """
    settings = from_environment(Settings)
    logging.getLogger("uvicorn.access").disabled = True
    aws = get_session()
    region = aws.get_config_variable("region") or ""
    async with (
        aws.create_client("ssm", config=PARAMETER_CONFIG) as parameters,
        aws.create_client("sagemaker-runtime", config=INTENT_CONFIG) as runtime,
        aws.create_client("xray", config=PARAMETER_CONFIG) as xray,
        GatewayClient.open_session() as session,
        answered_directly(runtime, "InvokeEndpoint", await aws.get_credentials()),
        connect(settings) as cache,
    ):
        feed = AssignmentFeed(parameters, settings.parameter_prefix)
        sessions = Sessions(cache, int(settings.requests_a_minute))
        intents = IntentClassifier(runtime, settings.intent_endpoint)
        counters, traces = Counters(), Traces(xray)
        turns = Turns(
            sessions=sessions,
            feed=feed,
            intents=intents,
            gateway=GatewayClient(session, settings.gateway_url),
            counters=counters,
            traces=traces,
            region=region,
            cached=frozenset(filter(None, settings.cached_intents.split(","))),
        )
        await feed.read()
        background = [
            asyncio.create_task(feed.poll()),
            asyncio.create_task(publish(counters, feed, settings.metrics_namespace)),
            asyncio.create_task(traces.run()),
        ]
        yield {
            "feed": feed,
            "sessions": sessions,
            "intents": intents,
            "outcomes": Outcomes(sessions, feed, region),
            "turns": turns,
        }
        await turns.finish()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        publish_once(counters, feed, settings.metrics_namespace)
        events.BUFFER.drain(wait=True)
        await traces.send()


def create_app() -> Router:
    """A new application; its settings are read from the environment when it starts.

    A bare router: what Starlette's application wraps around a request answers an exception with
    500, and so does the server.
    """
    return Router(
        [Route(each.path, each.handler, methods=[each.method]) for each in ENDPOINTS],
        lifespan=lifespan,
    )


app = create_app()
