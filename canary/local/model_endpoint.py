"""One process that answers as Bedrock's Converse and evaluation jobs, and SageMaker's endpoints.

It sleeps the simulated latency on the virtual clock. Run it with standard input open: the runner's
lines move the scenario on, and the end of the input ends the process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from canary.bandits.overlap import OverlapScorer
from canary.local.behaviour import TurnDraw, World, draw_turn, uniform
from canary.local.clock import Clock
from canary.local.control_lines import read_lines
from canary.local.evaluation_endpoint import EvaluationEndpoint, S3Files
from canary.local.event_stream import event, exception
from canary.local.golden_answers import golden_answer
from canary.local.intents.utterances import shipped_classifier
from canary.local.scenario import load_scenario
from canary.local.talk import Language, answer, spoken_in
from canary.policy.compiled import CompiledPolicy

__all__ = ["application", "main"]

CHARACTERS_A_TOKEN = 4
_AT_ONCE = 0.5
"""The share of the latency before the first word, and of errors that come instead of it."""
REFUSAL = "Blocked by the guardrail."
_WORLD: web.AppKey[World] = web.AppKey("world", World)
_LANGUAGE: web.AppKey[Language] = web.AppKey("language", str)  # type: ignore[arg-type]
_CLOCK: web.AppKey[Clock] = web.AppKey("clock", Clock)


def application(
    world: World,
    clock: Clock,
    language: Language = "english",
    evaluations: EvaluationEndpoint | None = None,
) -> web.Application:
    """The endpoint of one scenario, whose model answers in `language`."""
    app = web.Application(middlewares=[hang_up_if_dead])
    app[_WORLD] = world
    app[_CLOCK] = clock
    app[_LANGUAGE] = language
    app.add_routes(
        [
            web.post("/model/{model:.+}/converse", converse),
            web.post("/model/{model:.+}/converse-stream", converse_stream),
            web.post("/endpoints/{name}/invocations", invoke),
            *(evaluations.routes() if evaluations else ()),
        ]
    )
    return app


@web.middleware
async def hang_up_if_dead(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A model or a classifier that is dead closes the connection without a word."""
    world, model_id = request.app[_WORLD], request.match_info.get("model")
    dead = world.model_down(model_id) if model_id else world.classifier_down
    if dead and request.transport is not None:
        request.transport.abort()
        return web.Response()
    return await handler(request)


async def converse(request: web.Request) -> web.Response:
    """Bedrock's Converse. A call that names no conversation (an attestation) always succeeds."""
    body = await request.json()
    if problem := _problem(body):
        return _failure(400, "ValidationException", problem)
    draw, text = _drawn(request, body)
    await asyncio.sleep(request.app[_CLOCK].real_seconds(draw.latency_ms / 1000))
    if draw.kind in ("error", "throttled"):
        return _drawn_failure(draw)
    return _answer(body, text, draw)


async def converse_stream(request: web.Request) -> web.StreamResponse:
    """Bedrock's ConverseStream: the same answers in pieces; half of the errors come midway."""
    body = await request.json()
    if problem := _problem(body):
        return _failure(400, "ValidationException", problem)
    draw, text = _drawn(request, body)
    pause = request.app[_CLOCK].real_seconds(draw.latency_ms / 1000)
    metadata: Mapping[str, str] = body.get("requestMetadata", {})
    luck = uniform(0, "midway", metadata.get("conversation_id", ""), metadata.get("turn", 1))
    if draw.kind == "throttled" or (draw.kind == "error" and luck < _AT_ONCE):
        await asyncio.sleep(pause)
        return _drawn_failure(draw)
    await asyncio.sleep(pause * _AT_ONCE)
    response = web.StreamResponse(headers={"Content-Type": "application/vnd.amazon.eventstream"})
    await response.prepare(request)
    await response.write(event("messageStart", {"role": "assistant"}))
    pieces = re.findall(r"(?:\S+\s*){1,4}|\s+", text)
    for index, piece in enumerate(pieces):
        if index:
            await asyncio.sleep(pause * _AT_ONCE / len(pieces))
        if draw.kind == "error" and index == len(pieces) // 2:
            await response.write(exception("modelStreamErrorException", "The stream broke off."))
            return response
        delta = {"contentBlockIndex": 0, "delta": {"text": piece}}
        await response.write(event("contentBlockDelta", delta))
    ended = _ended(body, text, draw)
    await response.write(event("contentBlockStop", {"contentBlockIndex": 0}))
    await response.write(event("messageStop", {"stopReason": ended.pop("stopReason")}))
    await response.write(event("metadata", ended))
    return response


def _drawn(request: web.Request, body: Mapping[str, Any]) -> tuple[TurnDraw, str]:
    """What this call comes to, and the words of its answer."""
    metadata: Mapping[str, str] = body.get("requestMetadata", {})
    world = request.app[_WORLD]
    if metadata.get("purpose") == "offline":
        prompt = _text(body["messages"][-1]["content"][-1])
        return golden_answer(world, request.match_info["model"], prompt, request.app[_LANGUAGE])
    conversation_id = metadata.get("conversation_id")
    if conversation_id is None:
        return TurnDraw("answer", 0.0), "ok"
    turn, attempt = int(metadata.get("turn", 1)), int(metadata.get("attempt", 1))
    how = world.behaviour(request.match_info["model"], metadata.get("intent", ""))
    draw = draw_turn(how, world.scenario.seed, conversation_id, turn, attempt)
    if draw.kind == "refused" and "guardrailConfig" in body:
        return draw, REFUSAL
    draw = replace(draw, kind="answer") if draw.kind == "refused" else draw
    seed = world.scenario.seed
    return draw, answer(
        seed,
        conversation_id,
        turn,
        hallucinated=draw.hallucinated,
        question=_text(body["messages"][-1]["content"][-1]),
        language=request.app[_LANGUAGE],
    )


async def invoke(request: web.Request) -> web.Response:
    """SageMaker's InvokeEndpoint: the intent of `{"text"}`, or the scores of `{"candidates"}`."""
    body = json.loads(await request.read())
    if "candidates" in body:
        scores = OverlapScorer().scores(body["candidates"], body["references"])
        return web.json_response({"scores": scores})
    text = str(body["text"])
    intent, confidence = shipped_classifier().classify(text)
    return web.json_response({"intent": intent, "confidence": confidence})


def _problem(body: Any) -> str | None:
    """What Bedrock itself refuses about the messages, or None."""
    messages = body.get("messages") if isinstance(body, dict) else None
    if not messages:
        return "The messages field must not be empty"
    roles = [message["role"] for message in messages]
    expected = ["user" if index % 2 == 0 else "assistant" for index in range(len(roles))]
    if roles != expected or roles[-1] != "user":
        return "Roles must alternate between user and assistant, and the last must be user"
    return None


def _answer(body: Mapping[str, Any], text: str, draw: TurnDraw) -> web.Response:
    message = {"role": "assistant", "content": [{"text": text}]}
    return web.json_response(
        {"output": {"message": message}, **_ended(body, text, draw)},
        headers={"x-amzn-RequestId": str(uuid.uuid4())},
    )


def _ended(body: Mapping[str, Any], text: str, draw: TurnDraw) -> dict[str, Any]:
    """Why the answer ended, and what it took."""
    asked = sum(len(_text(block)) for each in body["messages"] for block in each["content"])
    most = body.get("inferenceConfig", {}).get("maxTokens", 4096)
    tokens_in = 1 + asked // CHARACTERS_A_TOKEN
    tokens_out = min(1 + len(text) // CHARACTERS_A_TOKEN, most)
    return {
        "stopReason": "guardrail_intervened" if draw.kind == "refused" else "end_turn",
        "usage": {
            "inputTokens": tokens_in,
            "outputTokens": tokens_out,
            "totalTokens": tokens_in + tokens_out,
        },
        "metrics": {"latencyMs": round(draw.latency_ms)},
    }


def _text(block: Mapping[str, Any]) -> str:
    """The text of a content block, whether a guardrail judges it or not."""
    return str(block["text"] if "text" in block else block["guardContent"]["text"]["text"])


def _drawn_failure(draw: TurnDraw) -> web.Response:
    if draw.kind == "throttled":
        message = "Too many requests, please wait before trying again."
        return _failure(429, "ThrottlingException", message, draw.latency_ms)
    message = "The system encountered an unexpected error during processing."
    return _failure(500, "InternalServerException", message, draw.latency_ms)


def _failure(status: int, kind: str, message: str, latency_ms: float = 0.0) -> web.Response:
    return web.json_response(
        {"message": message},
        status=status,
        headers={
            "x-amzn-ErrorType": kind,
            "x-amzn-RequestId": str(uuid.uuid4()),
            "x-amzn-bedrock-invocation-latency": str(round(latency_ms)),
        },
    )


async def serve(world: World, clock: Clock, port: int, language: Language, region: str) -> None:
    """Serve until standard input ends; print the port first."""
    files = S3Files()
    jobs = EvaluationEndpoint(world, clock, language, region=region, files=files)
    runner = web.AppRunner(application(world, clock, language, jobs), access_log=None)
    await runner.setup()
    warming = asyncio.create_task(asyncio.to_thread(files.warm))
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        print(runner.addresses[0][1], flush=True)  # noqa: T201 - the runner reads it
        async for line in read_lines():
            world.update(line)
    finally:
        await runner.cleanup()
        with contextlib.suppress(Exception):
            await warming


def main() -> None:
    """`python -m canary.local.model_endpoint --scenario FILE --policy FILE --candidate ID`."""
    import uvloop

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", type=Path, required=True, help="the scenario's file")
    parser.add_argument("--policy", type=Path, required=True, help="the compiled policy's JSON")
    parser.add_argument("--candidate", required=True, help="the candidate's model id")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    options = parser.parse_args()
    policy = CompiledPolicy.from_json(options.policy.read_text("utf-8"))
    world = World(load_scenario(options.scenario), policy.baseline, candidate=options.candidate)
    with contextlib.suppress(KeyboardInterrupt):
        language = spoken_in(policy.region)
        uvloop.run(serve(world, Clock.from_env(), options.port, language, policy.region))


if __name__ == "__main__":
    main()
