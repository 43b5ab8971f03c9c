"""Everything outside the request path, in one process: the fake model, and a little of AWS.

All that is measured shares two cores with it, so it is made to cost little: it answers every
question at once and with the same words, to Bedrock's Converse and to OpenAI's chat completions
alike, and knows a customer's intent by the first letters. The assignment parameter is a release at
50%.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import uvloop

from canary.local.downstream import Request, Response, Server
from canary.local.talk import answer, message
from canary.policy.compile import compile_policy, load_policy
from canary.routing.parameter import active_parameter

POLICY = Path(__file__).parents[2] / "policy" / "mangaassist.toml"
REGION = "us-east-1"
SEED = 7
HALF = 3
"""The stage at which half of all units are canary."""
_LETTERS = 7
"""As many tell the intents' sentences apart."""
_JSON = (b"content-type", b"application/json")
_POLICY = compile_policy(load_policy(POLICY), REGION)


def assignment() -> str:
    """The assignment parameter of a release at 50%."""
    control, canary = _POLICY.models[0].id, _POLICY.models[1].id
    return active_parameter(
        _POLICY,
        release_id="r-001",
        test_id="t-001",
        stage=HALF,
        control_model=control,
        canary_model=canary,
        policy_version=_POLICY.digest,
        version=1,
    ).to_json()


def converse() -> dict[str, Any]:
    """What Bedrock's Converse answers."""
    content = [{"text": answer(SEED, "bench", 1, hallucinated=False)}]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 20, "outputTokens": 30, "totalTokens": 50},
        "metrics": {"latencyMs": 0},
    }


def completion() -> dict[str, Any]:
    """What OpenAI's chat completions answer."""
    said = {"role": "assistant", "content": answer(SEED, "bench", 1, hallucinated=False)}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "manga",
        "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50},
    }


def _intents() -> dict[str, str]:
    """By the first letters of a sentence, what it is about."""
    names = [intent.name for intent in _POLICY.intents]
    known = {message(name, SEED, "bench", 1)[:_LETTERS]: name for name in names}
    assert len(known) == len(names)
    return known


async def serve(number: int) -> None:
    """Serve on an inherited socket until killed."""
    documents = {
        b"converse": converse(),
        b"completions": completion(),
        b"TraceSegments": {"UnprocessedTraceSegments": []},
        b"task": {"TaskARN": "arn:aws:ecs:us-east-1:1:task/mangaassist/1"},
    }
    canned = {name: json.dumps(document).encode() for name, document in documents.items()}
    known, parameter = _intents(), assignment()

    async def handle(request: Request) -> Response:
        what = request.target.rpartition(b"/")[2]
        body = canned.get(what)
        if body is None:
            document: dict[str, Any] = {}
            if what == b"invocations":
                text = json.loads(request.body)["text"]
                document = {"intent": known[text[:_LETTERS]], "confidence": 0.99}
            elif (request.get("x-amz-target") or "").endswith("GetParameter"):
                name = json.loads(request.body)["Name"]
                document = {"Parameter": {"Name": name, "Value": parameter}}
            body = json.dumps(document).encode()
        return Response(200, [_JSON], body)

    await Server(handle).start(socket.socket(fileno=number))
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True)
    uvloop.run(serve(parser.parse_args().fd))
