"""Everything outside the request path, in one process: the fake model, and a little of AWS.

The model answers at once, to Bedrock's Converse and to OpenAI's chat completions alike, so that
what is measured is the path to it. The assignment parameter is a release at 50%.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
from pathlib import Path

import uvloop
from aiohttp import web

from canary.local.behaviour import World
from canary.local.clock import Clock
from canary.local.model_endpoint import application
from canary.local.scenario import validate_scenario
from canary.local.talk import answer
from canary.policy.compile import compile_policy, load_policy
from canary.routing.parameter import active_parameter

POLICY = Path(__file__).parents[2] / "policy" / "mangaassist.toml"
REGION = "us-east-1"
SEED = 7
HALF = 3
"""The stage at which half of all units are canary."""
_INSTANT = {"latency_p50_ms": 0.001, "latency_sigma": 0.1}


def world() -> World:
    """Two models that answer at once and never fail."""
    values = {
        "name": "requests",
        "description": "models that answer at once",
        "seed": SEED,
        "horizon_minutes": 60,
        "expect": {"outcome": "PROMOTED"},
        "phase": [{"arm": arm, "error_rate": 0.0, **_INSTANT} for arm in ("control", "canary")],
    }
    policy = compile_policy(load_policy(POLICY), REGION)
    return World(validate_scenario(values), policy.baseline, candidate=policy.models[1].id)


def assignment() -> str:
    """The assignment parameter of a release at 50%."""
    policy = compile_policy(load_policy(POLICY), REGION)
    control, canary = policy.models[0].id, policy.models[1].id
    return active_parameter(
        policy,
        release_id="r-001",
        test_id="t-001",
        stage=HALF,
        control_model=control,
        canary_model=canary,
        policy_version=policy.digest,
        version=1,
    ).to_json()


async def complete(request: web.Request) -> web.Response:
    """OpenAI's chat completions, with the words that Converse would have answered."""
    body = await request.json()
    said = str(body["messages"][-1]["content"])
    text = answer(SEED, said, len(body["messages"]), hallucinated=False)
    return web.json_response(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50},
        }
    )


def outside() -> web.Application:
    """The application: models, classifier, and what the tasks ask of AWS."""
    parameter = assignment()

    async def call(request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        if request.headers["X-Amz-Target"].endswith("GetParameter"):
            return web.json_response({"Parameter": {"Name": body["Name"], "Value": parameter}})
        return web.json_response({})

    async def traces(_request: web.Request) -> web.Response:
        return web.json_response({"UnprocessedTraceSegments": []})

    async def task(_request: web.Request) -> web.Response:
        return web.json_response({"TaskARN": "arn:aws:ecs:us-east-1:1:task/mangaassist/1"})

    app = application(world(), Clock(0.0, 0.0, 60.0))
    app.add_routes(
        [
            web.post("/v1/chat/completions", complete),
            web.post("/", call),
            web.post("/TraceSegments", traces),
            web.get("/metadata/task", task),
        ]
    )
    return app


async def serve(number: int) -> None:
    """Serve on an inherited socket until killed."""
    runner = web.AppRunner(outside(), access_log=None)
    await runner.setup()
    await web.SockSite(runner, socket.socket(fileno=number), backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True)
    uvloop.run(serve(parser.parse_args().fd))
