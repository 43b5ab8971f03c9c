"""The gateway alone: what it says of itself, and what it makes of the model's failures."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from canary.local.behaviour import World
from services.gateway import model, streaming
from tests.services.region import CANDIDATE, CONTROL_MODEL, Region, world

BODY = {
    "messages": [{"role": "user", "text": "hello"}],
    "conversation_id": "c1",
    "turn": 1,
    "attempt": 1,
    "intent": "faq",
}


async def converse(region: Region, task_set: str, body: Any = BODY) -> tuple[int, dict[str, Any]]:
    """Ask one gateway directly."""
    url = f"{region.gateways[task_set]}/v1/converse"
    async with region.session.post(url, json=body) as response:
        return response.status, await response.json()


def become(region: Region, other: World) -> None:
    """Let the model endpoint's world be another."""
    region.world.__dict__.update(other.__dict__)


async def test_each_task_attests_the_model_it_runs(region: Region) -> None:
    """After one model call, an item with the task's ARN, arm, model and start."""
    async with asyncio.timeout(30):
        while len(region.attestations) < 2:  # noqa: ASYNC110 - the stand-in has no event
            await asyncio.sleep(0.01)
    items = {item["Item"]["pk"]["S"]: item["Item"] for item in region.attestations}
    assert set(items) == {"ATTEST#primary", "ATTEST#canary"}
    item = items["ATTEST#canary"]
    assert item["sk"]["S"].startswith("arn:aws:ecs:us-east-1:123456789012:task/mangaassist/")
    assert (item["arm"]["S"], item["model_id"]["S"]) == ("canary", CANDIDATE)
    started = float(item["started_at"]["N"])
    assert int(item["expires_at"]["N"]) > started > 0
    assert region.attestations[0]["TableName"] == "canary-releases"


async def test_it_says_which_arm_it_is_and_that_it_is_up(region: Region) -> None:
    """`/arm` answers a draw, `/healthz` answers without asking the model."""
    become(region, world({"arm": "control", "error_rate": 1.0}))
    async with region.session.get(f"{region.gateways['primary']}/arm") as response:
        assert await response.json() == {"arm": "control", "model_id": CONTROL_MODEL}
    async with region.session.get(f"{region.gateways['primary']}/healthz") as response:
        assert response.status == 200


async def test_an_answer_carries_the_models_own_report(region: Region) -> None:
    """Text, arm, model, latency and tokens, as Bedrock reported them."""
    status, body = await converse(region, "canary")
    assert (status, body["arm"], body["model_id"]) == (200, "canary", CANDIDATE)
    assert body["stop_reason"] == "end_turn"
    assert body["latency_ms"] > 0
    assert body["input_tokens"] > 0
    assert body["output_tokens"] > 0
    assert '"' in body["text"]


@pytest.mark.parametrize(
    ("phase", "status", "kind"),
    [({"throttle_rate": 1.0}, 429, "throttled"), ({"error_rate": 1.0}, 502, "model_error")],
)
async def test_a_models_failure_has_its_status_and_the_arm(
    region: Region, phase: dict[str, float], status: int, kind: str
) -> None:
    """One call, no retry: what Bedrock refused is told apart, with the arm that it concerns."""
    become(region, world({"arm": "canary", **phase}))
    answered, body = await converse(region, "canary")
    assert (answered, body["error"]) == (status, kind)
    assert (body["arm"], body["model_id"]) == ("canary", CANDIDATE)
    assert body["latency_ms"] > 0


async def test_a_model_that_hangs_is_a_time_out(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    """504 after the gateway's own patience."""
    from aiobotocore.config import AioConfig

    from services.gateway import app
    from tests.services.region import serving

    impatient = AioConfig(read_timeout=0.05, retries={"total_max_attempts": 1})
    monkeypatch.setattr(app, "CLIENT_CONFIG", impatient)
    become(region, world({"arm": "canary", "latency_p50_ms": 60_000.0}))
    async with serving(app.create_app()) as url:
        region.gateways["canary"] = url
        status, body = await converse(region, "canary")
    assert (status, body["error"]) == (504, "timeout")


async def test_a_stream_ends_in_what_a_plain_answer_says(region: Region) -> None:
    """Its pieces make the text of its last line, the model's own report; both name their arm."""
    body, url = BODY | {"stream": True}, f"{region.gateways['canary']}/v1/converse"
    async with region.session.post(url, json=body) as response:
        assert response.headers["x-canary-arm"] == "canary"
        *pieces, last = [json.loads(line) async for line in response.content]
    async with region.session.post(url, json=BODY) as response:
        assert response.headers["x-canary-arm"] == "canary"
        assert await response.json() == last
    assert "".join(each["piece"] for each in pieces) == last["text"]
    assert len(pieces) > 3


async def test_a_stream_that_has_not_begun_fails_as_a_plain_call_does(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Throttled, or silent for too long: its status, nothing half said."""
    body = BODY | {"stream": True}
    monkeypatch.setattr(streaming, "FIRST_PIECE_SECONDS", 120.0)
    become(region, world({"arm": "canary", "throttle_rate": 1.0}))
    assert (await converse(region, "canary", body))[0] == 429
    monkeypatch.setattr(streaming, "FIRST_PIECE_SECONDS", 0.05)
    become(region, world({"arm": "canary", "latency_p50_ms": 60_000.0}))
    status, answered = await converse(region, "canary", body)
    assert (status, answered["error"]) == (504, "timeout")


async def test_each_call_of_the_model_is_metered_in_its_arm(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Calls, failures by kind and tokens, with no release and of streams too; silence is silent."""
    plain, streamed = BODY | {"conversation_id": "c2"}, BODY | {"stream": True}
    _, answered = await converse(region, "canary", plain)
    url = f"{region.gateways['canary']}/v1/converse"
    async with region.session.post(url, json=streamed) as response:
        *_, last = [json.loads(line) async for line in response.content]
    become(region, world({"arm": "canary", "throttle_rate": 1.0}))
    await converse(region, "canary")
    metered: Counter[str] = Counter()
    async with asyncio.timeout(30):
        while metered["ModelCalls"] < 3:
            await asyncio.sleep(0.05)
            for line in capsys.readouterr().out.splitlines():
                document = json.loads(line)
                assert document["Arm"] == "canary"
                assert document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Arm"]]
                metered.update({name: int(document[name]) for name in METERED})
    assert dict(metered) == {
        "ModelCalls": 3,
        "ModelThrottles": 1,
        "ModelTimeouts": 0,
        "ModelErrors": 0,
        "InputTokens": answered["input_tokens"] + last["input_tokens"],
        "OutputTokens": answered["output_tokens"] + last["output_tokens"],
    }


METERED = (
    *("ModelCalls", "ModelThrottles", "ModelTimeouts", "ModelErrors"),
    *("InputTokens", "OutputTokens"),
)


async def test_what_is_no_conversation_is_refused(region: Region) -> None:
    """400 for a body without its fields."""
    status, body = await converse(region, "primary", {"messages": []})
    assert status == 400
    assert "conversation_id" in body["error"]


async def test_a_refusal_of_the_guardrail_is_reported_as_one(region: Region) -> None:
    """The customer gets the guardrail's own message, and the API tier learns why."""
    become(region, world({"arm": "canary", "refusal_rate": 1.0}))
    status, body = await converse(region, "canary")
    assert (status, body["stop_reason"], body["arm"]) == (200, "guardrail_intervened", "canary")
    assert body["text"]


async def test_the_guardrail_judges_the_last_message_in_one_version() -> None:
    """What was said before was judged when it was new; the version is the task's own."""
    asked: dict[str, Any] = {}

    class Model:
        async def converse(self, **arguments: Any) -> dict[str, Any]:
            asked.update(arguments)
            return {
                "output": {"message": {"content": [{"text": "hi"}]}},
                "metrics": {"latencyMs": 1},
                "usage": {"inputTokens": 1, "outputTokens": 1},
                "stopReason": "end_turn",
            }

    spoken = [("user", "one"), ("assistant", "two"), ("user", "three")]
    messages = [{"role": role, "text": text} for role, text in spoken]
    await model.converse(Model(), "maker.manga-1", model.Guardrail("g-1", "3"), messages, {})
    assert asked["guardrailConfig"] == {
        "guardrailIdentifier": "g-1",
        "guardrailVersion": "3",
        "trace": "disabled",
    }
    assert [message["content"] for message in asked["messages"]] == [
        [{"text": "one"}],
        [{"text": "two"}],
        [{"guardContent": {"text": {"text": "three"}}}],
    ]
