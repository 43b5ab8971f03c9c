"""One process that answers as Bedrock's Converse and as the intent classifier's SageMaker endpoint.

It sleeps the simulated latency on the virtual clock. Run it with standard input open: the runner's
lines move the scenario on, and the end of the input ends the process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web

from canary.local.behaviour import Behaviour, TurnDraw, World, draw_turn
from canary.local.clock import Clock
from canary.local.control_lines import read_lines
from canary.local.intents.utterances import shipped_classifier
from canary.local.scenario import load_scenario
from canary.local.talk import Language, answer, spoken_in
from canary.policy.compiled import CompiledPolicy
from canary.quality.offline.golden import load_golden

__all__ = ["application", "main"]

CHARACTERS_A_TOKEN = 4
REFUSAL = "Blocked by the guardrail."
_WORLD: web.AppKey[World] = web.AppKey("world", World)
_LANGUAGE: web.AppKey[Language] = web.AppKey("language", str)  # type: ignore[arg-type]
_CLOCK: web.AppKey[Clock] = web.AppKey("clock", Clock)


def application(world: World, clock: Clock, language: Language = "english") -> web.Application:
    """The endpoint of one scenario, whose model answers in `language`."""
    app = web.Application()
    app[_WORLD] = world
    app[_CLOCK] = clock
    app[_LANGUAGE] = language
    app.add_routes(
        [
            web.post("/model/{model:.+}/converse", converse),
            web.post("/endpoints/{name}/invocations", invoke),
        ]
    )
    return app


async def converse(request: web.Request) -> web.Response:
    """Bedrock's Converse. A call that names no conversation (an attestation) always succeeds."""
    model_id = request.match_info["model"]
    body = await request.json()
    if problem := _problem(body):
        return _failure(400, "ValidationException", problem)
    metadata: Mapping[str, str] = body.get("requestMetadata", {})
    world = request.app[_WORLD]
    if metadata.get("purpose") == "offline":
        how = world.behaviour(model_id, "")
        return _offline_answer(body, how, world.scenario.seed, request.app[_LANGUAGE])
    conversation_id = metadata.get("conversation_id")
    if conversation_id is None:
        return _answer(body, "ok", 0.0)
    turn, attempt = int(metadata.get("turn", 1)), int(metadata.get("attempt", 1))
    how = world.behaviour(model_id, metadata.get("intent", ""))
    draw = draw_turn(how, world.scenario.seed, conversation_id, turn, attempt)
    await asyncio.sleep(request.app[_CLOCK].real_seconds(draw.latency_ms / 1000))
    if draw.kind == "refused" and "guardrailConfig" in body:
        return _answer(body, REFUSAL, draw.latency_ms, "guardrail_intervened")
    if draw.kind in ("error", "throttled"):
        return _drawn_failure(draw)
    text = answer(
        world.scenario.seed,
        conversation_id,
        turn,
        hallucinated=draw.hallucinated,
        question=_text(body["messages"][-1]["content"][-1]),
        language=request.app[_LANGUAGE],
    )
    return _answer(body, text, draw.latency_ms)


def _offline_answer(
    body: Mapping[str, Any], how: Behaviour, seed: int, language: Language
) -> web.Response:
    """A prompt of the golden set: its known answer, or what the model's rates make of it."""
    prompt = _text(body["messages"][-1]["content"][-1])
    draw = draw_turn(how, seed, prompt, 1)
    if draw.kind in ("error", "throttled"):
        return _drawn_failure(draw)
    text = "" if draw.kind == "refused" else _known_answers().get(prompt, "")
    if draw.hallucinated:
        text = answer(seed, prompt, 1, hallucinated=True, language=language)
    return _answer(body, text, draw.latency_ms)


@cache
def _known_answers() -> Mapping[str, str]:
    regions = ("us-east-1", "ap-northeast-1")
    return {each.prompt: each.reference for name in regions for each in load_golden(name)}


async def invoke(request: web.Request) -> web.Response:
    """SageMaker's InvokeEndpoint of the intent classifier: `{"text"}` to an intent."""
    text = str(json.loads(await request.read())["text"])
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


def _answer(
    body: Mapping[str, Any], text: str, latency_ms: float, stop_reason: str = "end_turn"
) -> web.Response:
    asked = sum(len(_text(block)) for each in body["messages"] for block in each["content"])
    most = body.get("inferenceConfig", {}).get("maxTokens", 4096)
    tokens_in = 1 + asked // CHARACTERS_A_TOKEN
    tokens_out = min(1 + len(text) // CHARACTERS_A_TOKEN, most)
    return web.json_response(
        {
            "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
            "stopReason": stop_reason,
            "usage": {
                "inputTokens": tokens_in,
                "outputTokens": tokens_out,
                "totalTokens": tokens_in + tokens_out,
            },
            "metrics": {"latencyMs": round(latency_ms)},
        },
        headers={"x-amzn-RequestId": str(uuid.uuid4())},
    )


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


async def serve(world: World, clock: Clock, port: int, language: Language) -> None:
    """Serve until standard input ends; print the port first."""
    runner = web.AppRunner(application(world, clock, language), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        print(runner.addresses[0][1], flush=True)  # noqa: T201 - the runner reads it
        async for line in read_lines():
            world.update(line)
    finally:
        await runner.cleanup()


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
        uvloop.run(serve(world, Clock.from_env(), options.port, spoken_in(policy.region)))


if __name__ == "__main__":
    main()
