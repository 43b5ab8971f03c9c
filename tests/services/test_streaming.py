"""Answers that come piece by piece: through gateway, load balancer and API, counted to the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from canary.local.behaviour import uniform
from tests.services.region import CANDIDATE, CONTROL_MODEL, Region, lines, parameter, world


async def stream(region: Region, unit: str, conversation: str = "c1") -> list[tuple[str, Any]]:
    """The events of one turn, each with its data."""
    body = {"customer_id": unit, "conversation_id": conversation, "message": "hello"}
    headers = {"Accept": "text/event-stream"}
    async with region.session.post(region.api + "/v1/chat", json=body, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        return [event async for event in read(answer)]


async def read(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """The events as they come."""
    name = ""
    async for line in answer.content:
        key, _, value = line.decode().rstrip("\n").partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, json.loads(value)


def become(region: Region, *phases: dict[str, Any]) -> None:
    """Let the models behave as the phases say."""
    region.world.__dict__.update(world(*phases).__dict__)


def conversation_that(*, breaks_midway: bool) -> str:
    """A conversation whose model errors come midway, or at once."""
    return next(
        f"c{n}" for n in range(99) if (uniform(0, "midway", f"c{n}", "1") >= 0.5) == breaks_midway
    )


async def test_an_answer_is_relayed_piece_by_piece_and_kept(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pieces are the answer; the last event says who gave it; the next turn knows it."""
    region.parameter = parameter(rate=1.0)
    await region.start_api()
    *pieces, (last, done) = await stream(region, "ann")
    assert last == "done"
    assert len(pieces) > 3
    assert {name for name, _ in pieces} == {"delta"}
    assert "".join(data["text"] for _, data in pieces) == done["text"]
    assert (done["arm"], done["model_version"], done["turn"]) == ("canary", CANDIDATE, 1)
    assert (await stream(region, "ann"))[-1][1]["turn"] == 2
    event, _ = lines(capsys.readouterr().out, "turn")
    assert (event["status"], event["served_by"], event["error"]) == ("ok", "canary", False)
    assert event["output_tokens"] > 0
    assert event["latency_ms"] > 0


@pytest.mark.parametrize("breaks_midway", [True, False])
async def test_a_canary_that_fails_is_stood_in_for_by_control(
    region: Region, capsys: pytest.CaptureFixture[str], breaks_midway: bool
) -> None:
    """Midway the answer starts anew; before the first piece nobody notices; the error counts."""
    region.parameter = parameter(rate=1.0)
    become(region, {"arm": "canary", "error_rate": 1.0})
    await region.start_api()
    asked = conversation_that(breaks_midway=breaks_midway)
    events = await stream(region, "ann", asked)
    names = [name for name, _ in events]
    assert names.count("restart") == int(breaks_midway)
    after = events[names.index("restart") :] if breaks_midway else events
    done = events[-1][1]
    assert "".join(data["text"] for name, data in after if name == "delta") == done["text"]
    assert (done["arm"], done["model_version"]) == ("canary", CONTROL_MODEL)
    [event] = lines(capsys.readouterr().out, "turn")
    assert (event["arm"], event["error"], event["fallback"]) == ("canary", True, True)


async def test_a_failure_before_the_first_piece_is_an_ordinary_answer(region: Region) -> None:
    """502 or 504 with a sentence, as without a stream; so are refusals."""
    await region.start_api()
    region.status["primary"] = 503
    body = {"conversation_id": "c1", "message": "hello", "stream": True}
    async with region.session.post(region.api + "/v1/chat", json=body) as answer:
        assert answer.status == 502
        assert (await answer.json())["text"].startswith("Sorry")


async def test_a_turn_whose_customer_left_is_counted_to_its_last_byte(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """The attempt is the arm's, whoever listens; its answer is in the history."""
    region.parameter = parameter(rate=1.0)
    become(region, {"arm": "canary", "latency_p50_ms": 120_000.0, "latency_sigma": 0.1})
    await region.start_api()
    body = {"customer_id": "ann", "conversation_id": "c1", "message": "hello", "stream": True}
    async with region.session.post(region.api + "/v1/chat", json=body) as answer:
        assert [await anext(read(answer))]
        answer.close()
    assert lines(capsys.readouterr().out, "turn") == []
    event: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while not event:
            await asyncio.sleep(0.02)
            event = lines(capsys.readouterr().out, "turn")
    assert (event[0]["status"], event[0]["arm"]) == ("ok", "canary")
    assert event[0]["latency_ms"] > 100
    assert (await stream(region, "ann"))[-1][1]["turn"] == 2
