"""The customers: who comes, what they count, and the process that plays them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from canary.local.behaviour import World, draw_outcome
from canary.local.scenario import Load, load_scenario
from canary.local.tally import Tally
from canary.local.visits import Visits
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy

POLICY = Path(__file__).parents[2] / "policy" / "mangaassist.toml"
SCENARIO = """
description = "a test"
seed = 3
horizon_minutes = 60
[expect]
outcome = "HELD"
[load]
conversations_per_second = 80
[[phase]]
arm = "canary"
completion = 1.0
[[phase]]
arm = "control"
completion = 0.0
"""


@pytest.fixture(scope="module")
def policy() -> CompiledPolicy:
    """The default policy of one region."""
    return compile_policy(load_policy(POLICY), "us-east-1")


def visits(policy: CompiledPolicy, seed: int = 1, **load: Any) -> Visits:
    """The visits of one load."""
    return Visits(Load(**load), seed, policy.intents)


def test_arrivals_keep_the_rate_and_the_intents_their_volumes(policy: CompiledPolicy) -> None:
    """One conversation in each interval, about what customers ask, in turns as stated."""
    who = visits(policy, conversations_per_second=50.0, turns=(0.5, 0.3, 0.2))
    times = [who.arrival_seconds(n) for n in range(5000)]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(100, abs=0.1)
    made = [who.visit(n) for n in range(5000)]
    turns = Counter(len(visit.intents) for visit in made)
    assert turns[3] / 5000 == pytest.approx(0.2, abs=0.02)
    firsts = Counter(visit.intents[0] for visit in made)
    assert firsts["recommendation"] / 5000 == pytest.approx(0.24, abs=0.02)
    assert firsts["escalation"] / 5000 == pytest.approx(0.02, abs=0.01)


def test_some_customers_come_back_and_not_before_they_left(policy: CompiledPolicy) -> None:
    """About the stated share; the same session and customer, at least five seconds later."""
    who = visits(policy, conversations_per_second=50.0, returning=0.3)
    seen: dict[str, list[int]] = defaultdict(list)
    for number in range(5000):
        seen[who.visit(number).who["session_id"]].append(number)
    repeated = 5000 - len(seen)
    assert repeated / 4750 == pytest.approx(0.3, abs=0.03)
    gaps = [numbers[1] - numbers[0] for numbers in seen.values() if len(numbers) > 1]
    assert min(gaps) >= 250
    made = [who.visit(number) for number in range(5000)]
    known = {visit.who["session_id"] for visit in made if "customer_id" in visit.who}
    assert len(known) / len(seen) == pytest.approx(0.7, abs=0.03)


def test_the_same_seed_gives_the_same_visits(policy: CompiledPolicy) -> None:
    """Whatever else happens."""
    assert [visits(policy).visit(n) for n in range(50)] == [
        visits(policy).visit(n) for n in range(50)
    ]
    assert visits(policy, seed=2).visit(7) != visits(policy).visit(7)


def test_a_tally_tells_a_move_with_a_reason_from_a_broken_promise() -> None:
    """Only a turn on another arm than the last, without a reason, is a violation."""
    tally = Tally()
    reply = {"arm": "canary", "model_version": "m2", "reassigned_reason": None}
    tally.answered(reply, previous=None)
    tally.answered(reply, previous="canary")
    moved = {**reply, "arm": "control", "reassigned_reason": "canary_rollback"}
    tally.answered(moved, previous="canary")
    assert tally.sticky_violations == 0
    tally.answered(reply, previous="control")
    assert tally.sticky_violations == 1
    totals = tally.to_dict()
    assert totals["turns_by_arm"] == {"canary": 3, "control": 1}
    assert (totals["answered_turns"], totals["moved"]) == (4, {"canary_rollback": 1})


class FakeApi:
    """An API that answers by session, remembers what it was sent, and fails some."""

    def __init__(self) -> None:
        self.turns: Counter[str] = Counter()
        self.events: dict[str, dict[str, Any]] = {}
        self.ratings: dict[str, int] = {}
        self.failed: set[str] = set()
        self.streams: set[str] = set()

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Canary for odd sessions; conversations that end in 7 see an error on every turn."""
        body = await request.json()
        conversation = body["conversation_id"]
        if conversation.endswith("7"):
            self.failed.add(conversation)
            return web.json_response({"error": "no"}, status=502)
        self.turns[conversation] += 1
        canary = int(body["session_id"].rpartition("-")[2]) % 2
        reply = {
            "conversation_id": conversation,
            "turn": self.turns[conversation],
            "arm": "canary" if canary else "control",
            "model_version": "new" if canary else "old",
            "text": "hm",
            "reassigned_reason": None,
        }
        return await self.streamed(request, reply) if body["stream"] else web.json_response(reply)

    async def streamed(self, request: web.Request, reply: dict[str, Any]) -> web.StreamResponse:
        """In pieces, of which the first are taken back."""
        self.streams.add(reply["conversation_id"])
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        said = [("delta", {"text": "no"}), ("restart", {}), *[("delta", {"text": c}) for c in "hm"]]
        for name, data in (*said, ("done", reply)):
            await response.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())
        return response

    async def happened(self, request: web.Request) -> web.Response:
        """Taken."""
        body = await request.json()
        self.events[body["conversation_id"]] = body
        return web.json_response({}, status=202)

    async def rated(self, request: web.Request) -> web.Response:
        """Taken."""
        body = await request.json()
        self.ratings[body["conversation_id"]] = body["csat"]
        return web.json_response({}, status=202)


async def test_customers_chat_report_outcomes_and_count_what_they_saw(
    policy: CompiledPolicy, tmp_path: Path
) -> None:
    """A line a second, last totals on stop; outcomes drawn by the model that answered."""
    path = tmp_path / "test.toml"
    path.write_text(SCENARIO)
    (tmp_path / "policy.json").write_text(policy.to_json())
    fake, app = FakeApi(), web.Application()
    app.add_routes([web.post("/v1/chat", fake.chat), web.post("/v1/events", fake.happened)])
    app.add_routes([web.post("/v1/feedback", fake.rated)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "canary.local.customers"),
        *("--scenario", str(path), "--policy", str(tmp_path / "policy.json")),
        *("--candidate", "new", "--api", f"http://127.0.0.1:{runner.addresses[0][1]}"),
        env={**os.environ, "CANARY_CLOCK": "0:0:600"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    first = json.loads(await process.stdout.readline())
    assert "final" not in first
    process.stdin.write(b'{"stage_percent": 5, "minute": 1.0, "faults": []}\n{"stop": true}\n')
    *_, last = (await process.stdout.read()).splitlines()
    assert await process.wait() == 0
    await runner.cleanup()
    final = json.loads(last)
    assert final["final"] is True
    assert final["answered_turns"] == sum(fake.turns.values()) > 0
    assert len(fake.events) == final["conversations"]
    assert final["outcomes_sent"] == len(fake.events) + len(fake.ratings)
    assert final["customer_errors"] == len(fake.failed) == final["errors"]["502"]
    assert final["sticky_violations"] == 0
    planned = Visits(load_scenario(path).load, 3, policy.intents)
    made = map(planned.visit, range(final["conversations"]))
    streaming = {visit.conversation_id for visit in made if visit.streams}
    assert fake.streams == streaming - fake.failed
    assert fake.streams
    world = World(load_scenario(path), policy.baseline, candidate="new")
    for conversation, body in fake.events.items():
        canary = int(body["session_id"].rpartition("-")[2]) % 2 == 1
        happened = set(body["events"])
        assert ("resolved" in happened) == (canary and conversation not in fake.failed)
        model = "new" if canary else "old"
        drawn = draw_outcome(world.behaviour(model, "faq"), 3, conversation)
        assert fake.ratings.get(conversation) == drawn.csat
        assert ("offer" in happened, "click" in happened) == (True, drawn.clicked)
        assert ("add_to_cart" in happened) == (drawn.cart_abandoned is not None)
        assert ("abandon" in happened) == bool(drawn.cart_abandoned)
