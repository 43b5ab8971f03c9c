"""Customers who chat, come back, rate, click and leave: the load of an embedded region.

One process on the real clock, open loop: conversations begin at the scenario's rate however slow
the answers are. Each real second it prints its running totals as a JSON line; after
`{"stop": true}` on standard input it lets open conversations end and prints the last totals with
`"final": true`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from canary.local.behaviour import OutcomeDraw, World, draw_outcome
from canary.local.clock import Clock
from canary.local.control_lines import print_line, read_lines
from canary.local.scenario import load_scenario
from canary.local.speed import rate_factor
from canary.local.talk import Language, message, spoken_in
from canary.local.tally import Tally
from canary.local.visits import Visit, Visits
from canary.policy.compiled import CompiledPolicy

__all__ = ["Customers", "main"]

PATIENCE_SECONDS = 55.0
FINISH_SECONDS = 5.0
REPORT_SECONDS = 1.0
_OK, _ACCEPTED = 200, 202
_EVENTS = "text/event-stream"


class Customers:
    """The open-loop load of one run."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        visits: Visits,
        world: World,
        clock: Clock,
        tally: Tally,
        language: Language = "english",
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._visits = visits
        self._world = world
        self._clock = clock
        self._tally = tally
        self._language = language
        self._open: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Let nobody else come."""
        self._stopped.set()

    async def run(self) -> None:
        """Start conversations on time until stopped, then wait for those under way."""
        clock, begun, number = self._clock, self._clock.now(), 0
        usual = clock.factor / rate_factor(clock.factor)
        while not self._stopped.is_set():
            due = begun + self._visits.arrival_seconds(number) * usual
            if (wait := clock.real_seconds(due - clock.now())) > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), wait)
                if self._stopped.is_set():
                    break
            task = asyncio.create_task(self._converse(self._visits.visit(number)))
            self._open.add(task)
            task.add_done_callback(self._open.discard)
            number += 1
        if self._open:
            _, late = await asyncio.wait(
                self._open, timeout=FINISH_SECONDS / rate_factor(clock.factor)
            )
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _converse(self, visit: Visit) -> None:
        """One conversation and its outcome; a customer who gets no answer leaves."""
        self._tally.began()
        arm: str | None = None
        model = ""
        for turn, intent in enumerate(visit.intents, start=1):
            if turn > 1:
                await asyncio.sleep(self._clock.real_seconds(visit.think_seconds))
            text = message(
                intent, self._world.scenario.seed, visit.conversation_id, turn, self._language
            )
            reply = await self._say(visit, text)
            if reply is None:
                await self._report(visit, model, completed=False)
                return
            self._tally.answered(reply, previous=arm)
            arm, model = reply["arm"], reply["model_version"]
        await self._report(visit, model)

    async def _say(self, visit: Visit, text: str) -> dict[str, Any] | None:
        """Send one message; None when the customer saw an error."""
        body: dict[str, Any] = {
            **visit.who,
            "conversation_id": visit.conversation_id,
            "message": text,
            "prime": visit.prime,
            "stream": visit.streams,
        }
        try:
            async with self._session.post(f"{self._url}/v1/chat", json=body) as response:
                if response.status != _OK:
                    self._tally.failed(str(response.status))
                elif response.content_type == _EVENTS:
                    return await self._listen(response)
                else:
                    reply: dict[str, Any] = await response.json()
                    return reply
        except TimeoutError:
            self._tally.failed("timeout")
        except aiohttp.ClientError:
            self._tally.failed("connection")
        return None

    async def _listen(self, response: aiohttp.ClientResponse) -> dict[str, Any] | None:
        """Read an answer while it comes; what came in pieces is what it says at its end."""
        said, event = "", ""
        async for line in response.content:
            field, _, value = line.decode().rstrip().partition(": ")
            if field == "event":
                event = value
                said = "" if event == "restart" else said
            elif field == "data" and event == "delta":
                said += json.loads(value)["text"]
            elif field == "data" and event == "done":
                reply: dict[str, Any] = json.loads(value)
                if reply["text"] == said:
                    return reply
        self._tally.failed("stream")
        return None

    async def _report(self, visit: Visit, model: str, *, completed: bool | None = None) -> None:
        """Send the outcome, drawn by the model that answered last."""
        how = self._world.behaviour(model, visit.intents[0])
        drawn = draw_outcome(how, self._world.scenario.seed, visit.conversation_id)
        about = {**visit.who, "conversation_id": visit.conversation_id}
        resolved = drawn.completed if completed is None else completed
        await self._send("events", {**about, "events": _events(drawn, resolved=resolved)})
        if drawn.csat is not None:
            await self._send("feedback", {**about, "csat": drawn.csat})

    async def _send(self, what: str, body: Mapping[str, Any]) -> None:
        """Send a part of the outcome."""
        try:
            async with self._session.post(f"{self._url}/v1/{what}", json=body) as response:
                if response.status == _ACCEPTED:
                    self._tally.outcome_sent()
                else:
                    self._tally.failed(str(response.status))
        except TimeoutError:
            self._tally.failed("timeout")
        except aiohttp.ClientError:
            self._tally.failed("connection")


def _events(drawn: OutcomeDraw, *, resolved: bool) -> list[str]:
    """What a customer did: something to click is shown to everybody."""
    happened = {
        "offer": True,
        "click": drawn.clicked,
        "add_to_cart": drawn.cart_abandoned is not None,
        "abandon": drawn.cart_abandoned,
        "resolved": resolved,
    }
    return [event for event, so in happened.items() if so]


async def _report_totals(tally: Tally) -> None:
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        print_line(tally.to_dict())


async def _follow(world: World, customers: Customers) -> None:
    """Bring the world up to date until told to stop, or until the runner is gone."""
    async for line in read_lines():
        if line.get("stop"):
            break
        world.update(line)
    customers.stop()


async def serve(options: argparse.Namespace) -> None:
    """Run the load until told to stop, then print the last totals."""
    policy = CompiledPolicy.from_json(options.policy.read_text("utf-8"))
    scenario = load_scenario(options.scenario)
    world = World(scenario, policy.baseline, candidate=options.candidate)
    tally = Tally()
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
    timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS, sock_connect=5)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        customers = Customers(
            session,
            options.api,
            visits=Visits(scenario.load, scenario.seed, policy.intents),
            world=world,
            clock=Clock.from_env(),
            tally=tally,
            language=spoken_in(policy.region),
        )
        helpers = [
            asyncio.create_task(_follow(world, customers)),
            asyncio.create_task(_report_totals(tally)),
        ]
        await customers.run()
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
    print_line({**tally.to_dict(), "final": True})


def main() -> None:
    """`python -m canary.local.customers --scenario FILE --policy FILE --candidate ID --api URL`."""
    import uvloop

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", type=Path, required=True, help="the scenario's file")
    parser.add_argument("--policy", type=Path, required=True, help="the compiled policy's JSON")
    parser.add_argument("--candidate", required=True, help="the candidate's model id")
    parser.add_argument("--api", required=True, help="where the API tier answers")
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
