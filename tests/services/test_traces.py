"""Sampled traces: which turns, what they show, and that nobody waits for them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from services.api.traces import RATE, Step, Traces, segment, traced
from tests.services.region import Region, parameter

ROOT = "1-67891233-abcdef012345678912345678"
STEPS = (Step("session and intent", 100.0, 100.1), Step("arm and model", 100.1, 102.0))


def document(header: str = "", **annotations: Any) -> dict[str, Any]:
    return segment(header, "c-1", 3, STEPS, annotations, fault=False, throttle=True)


def test_one_turn_in_twenty_is_traced_by_its_own_hash() -> None:
    """The same turns on every task, about the asked share of them, in every conversation."""
    turns = [(f"c-{index % 1000}", index // 1000) for index in range(20_000)]
    kept = [each for each in turns if traced(*each)]
    assert abs(len(kept) / len(turns) - RATE) < 0.006
    assert kept == [each for each in turns if traced(*each)]
    assert len({conversation for conversation, _ in kept}) > 500


def test_a_segment_is_under_the_load_balancers_trace_and_shows_each_step() -> None:
    """So it is found from an access log's line; unknown annotations are left out."""
    found = document(f"Self=1-1-1;Root={ROOT}", arm="canary", release_id=None)
    assert found["trace_id"] == ROOT
    assert (found["start_time"], found["end_time"]) == (100.0, 102.0)
    assert (found["fault"], found["throttle"]) == (False, True)
    assert found["annotations"] == {"arm": "canary"}
    assert [(each["name"], each["end_time"]) for each in found["subsegments"]] == [
        ("session and intent", 100.1),
        ("arm and model", 102.0),
    ]
    ids = [found["id"], *(each["id"] for each in found["subsegments"])]
    assert len(set(ids)) == len(ids)
    assert all(len(each) == 16 and int(each, 16) for each in ids)


@pytest.mark.parametrize("header", ["", "Root=nonsense", "Root=1-67891233"])
def test_without_a_header_a_segment_has_a_trace_of_its_own(header: str) -> None:
    """With the second it began in, as X-Ray wants it."""
    found = document(header)
    assert found["trace_id"].startswith("1-00000064-")
    assert len(found["trace_id"]) == len(ROOT)


class XRay:
    """A client that stands for X-Ray's limits: it takes so many documents and then fails."""

    def __init__(self, takes: int = 10_000) -> None:
        self.takes = takes
        self.calls: list[int] = []

    async def put_trace_segments(self, **request: Any) -> dict[str, Any]:
        documents = request["TraceSegmentDocuments"]
        if sum(self.calls) + len(documents) > self.takes:
            raise OSError("no answer")
        self.calls.append(len(documents))
        return {"UnprocessedTraceSegments": []}


async def test_the_buffer_is_bounded_and_what_is_lost_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The oldest give way; calls carry fifty at most; after a failure the rest waits."""
    client = XRay(takes=100)
    kept = Traces(client)
    for index in range(510):
        kept.add(document(arm=str(index)))
    await kept.send()
    assert client.calls == [50, 50]
    assert "60 traces were lost" in caplog.text
    client.takes = 10_000
    caplog.clear()
    await kept.send()
    assert client.calls == [50] * 9
    assert caplog.text == ""


async def test_a_turn_is_traced_without_its_text(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arm, intent and outcome are there; nothing that the customer or the model said."""
    monkeypatch.setattr("services.api.turns.traced", lambda *_turn: True)
    await region.start_api()
    await region.publish(parameter(rate=1.0))
    body = await region.said("ann", message="where is my order of volume seven?")
    async with asyncio.timeout(30):
        while not region.segments:  # noqa: ASYNC110 - the stand-in has no event
            await asyncio.sleep(0.01)
    (found,) = region.segments
    assert found["annotations"]["arm"] == "canary"
    assert found["annotations"]["status"] == "ok"
    assert found["annotations"]["release_id"] == "r1"
    assert len(found["subsegments"]) == 3
    assert "volume seven" not in json.dumps(found)
    assert body["text"] not in json.dumps(found)


async def test_customers_are_answered_while_no_trace_is_taken(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X-Ray is nobody's business but ours."""
    monkeypatch.setattr("services.api.turns.traced", lambda *_turn: True)
    region.traces_taken = False
    await region.start_api()
    await region.publish(parameter())
    for _ in range(3):
        assert (await region.said("ann"))["text"]
        await asyncio.sleep(0.05)
    assert region.segments == []
