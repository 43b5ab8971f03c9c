"""A call that aiohttp sends ends as the SDK's own would: the same answer, the same errors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiohttp import web
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from canary.aws.direct_calls import answered_directly
from services.gateway.model import Guardrail, asked
from tests.services.region import site

MODEL = "arn:aws:bedrock:us-east-1:1:inference-profile/maker.manga-1:0"
ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
    "metrics": {"latencyMs": 7},
}
HANGS = 5.0


async def converse(request: web.Request) -> web.Response:
    """What the last message asks for; every call must be signed and name its model."""
    assert request.match_info["model"] == MODEL
    assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=test/")
    match (await request.json())["messages"][-1]["content"][0]["text"]:
        case "throttle":
            headers = {
                "x-amzn-ErrorType": "ThrottlingException:http://internal.amazon.com/",
                "x-amzn-bedrock-invocation-latency": "12",
            }
            return web.json_response({"message": "slower"}, status=429, headers=headers)
        case "fail":
            return web.Response(status=503, text="from a load balancer")
        case "hang":
            await asyncio.sleep(HANGS)
        case "die":
            assert request.transport is not None
            request.transport.abort()
    return web.json_response(ANSWER, headers={"x-amzn-RequestId": "r-1"})


async def invoke(request: web.Request) -> web.Response:
    """The classifier."""
    assert request.headers["Content-Type"] == "application/json"
    return web.Response(body=b"said " + await request.read())


@contextlib.asynccontextmanager
async def client(
    service: str, operation: str, url: str, monkeypatch: pytest.MonkeyPatch, *, direct: bool
) -> AsyncIterator[Any]:
    """The SDK's client of `url`, whose operation aiohttp sends or not."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    retries = {"total_max_attempts": 1, "mode": "standard"}
    config = AioConfig(connect_timeout=30, read_timeout=HANGS / 10, retries=retries)
    session = get_session()
    async with session.create_client(service, config=config, endpoint_url=url) as made:
        if not direct:
            yield made
            return
        async with answered_directly(made, operation, await session.get_credentials()):
            yield made


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """Where Bedrock and SageMaker answer."""
    app = web.Application()
    app.router.add_post("/model/{model:.+}/converse", converse)
    app.router.add_post("/endpoints/{name}/invocations", invoke)
    async with site(app) as served:
        yield served


async def ask(model: Any, text: str) -> Any:
    """The answer, or the kind of the failure with what a caller reads of it."""
    messages = [{"role": "user", "content": [{"text": text}]}]
    try:
        reply = await model.converse(modelId=MODEL, messages=messages)
    except ClientError as error:
        about = error.response["ResponseMetadata"]
        headers = about["HTTPHeaders"].get("x-amzn-bedrock-invocation-latency")
        return type(error).__name__, about["HTTPStatusCode"], headers
    except (EndpointConnectionError, ReadTimeoutError) as error:
        return type(error)
    assert reply.pop("ResponseMetadata")["RequestId"] == "r-1"
    return reply


@pytest.mark.parametrize("asked", ["hello", "throttle", "fail", "hang"])
async def test_a_direct_call_ends_as_the_sdks_own(
    url: str, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same answer, error class, status and headers."""
    came = []
    for direct in (True, False):
        async with client("bedrock-runtime", "Converse", url, monkeypatch, direct=direct) as model:
            came.append(await ask(model, asked))
    assert came[0] == came[1]
    assert came[0] is not None


async def test_the_same_request_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Path, body and what the body is: of the gateway's question and of the classifier's."""
    guardrail = Guardrail("g-1", "3")
    said = [{"role": "user", "text": "進撃の巨人 is good"}, {"role": "assistant", "text": "yes"}]
    calls: list[tuple[str, str, str, dict[str, Any]]] = [
        (
            "bedrock-runtime",
            "Converse",
            "converse",
            asked(MODEL, guardrail, [*said, said[0]], {"arm": "canary"}, "be brief"),
        ),
        (
            "sagemaker-runtime",
            "InvokeEndpoint",
            "invoke_endpoint",
            {
                "EndpointName": "an intent/1",
                "ContentType": "application/json",
                "Accept": "application/json",
                "Body": b'{"text": "hi"}',
            },
        ),
    ]
    came: list[Any] = []

    async def note(request: web.Request) -> web.Response:
        body = await request.json()
        about = {name: request.headers.get(name) for name in ("Content-Type", "Accept")}
        came.append((request.method, request.raw_path, about, body))
        return web.json_response(ANSWER)

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", note)
    async with site(app) as url:
        for service, operation, method, given in calls:
            for direct in (True, False):
                made = client(service, operation, url, monkeypatch, direct=direct)
                async with made as sdk:
                    await getattr(sdk, method)(**given)
            ours, theirs = came[-2:]
            if operation == "Converse":  # the SDK says that it takes anything by saying nothing
                ours[2]["Accept"] = theirs[2]["Accept"]
            assert ours == theirs


async def test_nobody_there_is_a_connection_error(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, or cut off before an answer."""
    for place, text in ((url, "die"), ("http://127.0.0.1:1", "hello")):
        async with client("bedrock-runtime", "Converse", place, monkeypatch, direct=True) as model:
            assert await ask(model, text) is EndpointConnectionError


async def test_a_streamed_body_is_read_as_the_sdks(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """InvokeEndpoint's body is a stream."""
    async with client(
        "sagemaker-runtime", "InvokeEndpoint", url, monkeypatch, direct=True
    ) as runtime:
        answer = await runtime.invoke_endpoint(
            EndpointName="intent", ContentType="application/json", Body=b"{}"
        )
        async with answer["Body"] as stream:
            assert await stream.read() == b"said {}"
