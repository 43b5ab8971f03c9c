"""How fast the request path is, beside LiteLLM's proxy and bare hops: `make bench-requests`.

All before the same fake model on this machine, in turns of a few seconds, so that whatever else the
machine does falls on all of them. What is printed of each: requests a second, processor time a
request, median and P99 of the answer. The last line has the request path's requests a second,
LiteLLM's, and the request path's processor time over that of as many bare aiohttp hops.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvloop

from benchmarks.request_path.chains import CONVERSE, Chain, Chains
from benchmarks.request_path.decision import print_decision
from benchmarks.request_path.environment import prepare
from benchmarks.request_path.load import Conversation, Measured, post, press
from benchmarks.request_path.outside import POLICY, REGION, SEED
from canary.local.processes import Processes
from canary.local.scenario import Load
from canary.local.talk import answer, message
from canary.local.visits import Visits
from canary.policy.compile import compile_policy, load_policy
from services.gateway.model import SYSTEM_PROMPT, Guardrail, asked

CONVERSATIONS = 20_000
WARM_UP_REQUESTS = 3_000
"""Of the request path: by then an API task knows most of what customers say, as it does in a day
but for its first minute. Bare hops and the proxy remember nothing that a request reads."""
WARM_UP_SECONDS = 3.0
TURN_SECONDS = 2.0


@dataclass
class Figures:
    """What one chain came to: a measurement and its processor seconds for each turn."""

    chain: Chain
    load: Iterator[Conversation]
    turns: list[Measured] = field(default_factory=list)
    cpu: list[dict[str, float]] = field(default_factory=list)

    def press(self, seconds: float) -> None:
        """Take a turn."""
        before = self.chain.cpu_seconds()
        self.turns.append(uvloop.run(press(self.chain.address, self.load, seconds)))
        after = self.chain.cpu_seconds()
        self.cpu.append({name: after[name] - before[name] for name in before})

    def warm_up(self, requests: int = 0) -> None:
        """Some seconds, and so many requests, that are not counted."""
        self.press(WARM_UP_SECONDS)
        while self._answered < requests:
            self.press(TURN_SECONDS)
        self.turns.clear()
        self.cpu.clear()

    @property
    def per_second(self) -> float:
        """Requests answered a second, over all turns."""
        return self._answered / sum(each.seconds for each in self.turns)

    @property
    def cpu_ms(self) -> float:
        """Processor milliseconds a request, over all turns."""
        return sum(self.cpu_by_process().values())

    def cpu_by_process(self) -> dict[str, float]:
        """Processor milliseconds a request of each process, over all turns."""
        names = self.chain.processes
        spent = {name: sum(each[name] for each in self.cpu) for name in names}
        return {name: 1000 * seconds / self._answered for name, seconds in spent.items()}

    def __str__(self) -> str:
        latencies = sorted(each for turn in self.turns for each in turn.latencies)
        failed = sum(each.failed for each in self.turns)
        p50, p99 = (1000 * latencies[int(share * (len(latencies) - 1))] for share in (0.5, 0.99))
        parts = ", ".join(f"{name} {ms:.2f}" for name, ms in self.cpu_by_process().items())
        return (
            f"{self.chain.name:13}{self.per_second:7.0f} requests/s {self.cpu_ms:7.3f} ms CPU   "
            f"P50 {p50:6.1f} ms   P99 {p99:6.1f} ms   failed {failed}\n"
            f"{'':13}{parts}"
        )

    @property
    def _answered(self) -> int:
        return sum(len(each.latencies) for each in self.turns)


Said = list[dict[str, str]]
"""A conversation up to a customer's message, as role and text."""


def chat(who: dict[str, str], conversation: str, said: Said) -> bytes:
    """What a customer asks the API, which knows the conversation."""
    body = {**who, "conversation_id": conversation, "message": said[-1]["text"]}
    return post("/v1/chat", _json(body))


def completion(_who: dict[str, str], _conversation: str, said: Said) -> bytes:
    """The same as LiteLLM takes it."""
    system = {"role": "system", "content": SYSTEM_PROMPT}
    messages = [system, *({"role": each["role"], "content": each["text"]} for each in said)]
    return post("/v1/chat/completions", _json({"model": "manga", "messages": messages}))


def converse(_who: dict[str, str], conversation: str, said: Said) -> bytes:
    """The same as the gateway asks the model."""
    about = {"arm": "control", "conversation_id": conversation, "turn": str(len(said))}
    body = asked("", Guardrail("guardrail-1", "1"), said, about, "")
    del body["modelId"]
    return post(CONVERSE, _json(body))


def conversations(request: Callable[[dict[str, str], str, Said], bytes]) -> Iterator[Conversation]:
    """Who comes and what is said: as the embedded region's customers, made beforehand."""
    policy = compile_policy(load_policy(POLICY), REGION)
    visits = Visits(Load(), SEED, policy.intents)
    made = []
    for visit in map(visits.visit, range(CONVERSATIONS)):
        name = visit.conversation_id
        said: Said = []
        requests = []
        for turn, intent in enumerate(visit.intents, 1):
            text = message(intent, SEED, name, turn)
            said.append({"role": "user", "text": text})
            requests.append(request(visit.who, name, said))
            words = answer(SEED, name, turn, hallucinated=False, question=text)
            said.append({"role": "assistant", "text": words})
        made.append(requests)
    return itertools.cycle(made) if request is not chat else iter(made)


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=6, help="of each, two seconds long")
    parser.add_argument("--workers", type=int, default=1, help="LiteLLM's worker processes")
    parser.add_argument("--without-litellm", action="store_true", help="only path and hops")
    options = parser.parse_args()
    with Processes() as processes:
        chains = Chains(processes)
        bare = Figures(chains.bare(), conversations(converse))
        path = Figures(chains.path(), conversations(chat))
        every = [bare, path]
        if not options.without_litellm:
            proxy = chains.litellm(prepare(), options.workers)
            every.append(Figures(proxy, conversations(completion)))
        for each in every:
            each.warm_up(WARM_UP_REQUESTS if each is path else 0)
        for each in every * options.turns:
            each.press(TURN_SECONDS)
    for each in every:
        print(each)  # noqa: T201 - what was asked for
    print_decision()
    last = {
        "rps": round(path.per_second),
        "litellm_rps": None if options.without_litellm else round(every[2].per_second, 1),
        "cpu_ratio": round(path.cpu_ms / bare.cpu_ms, 2),
    }
    print(json.dumps(last))  # noqa: T201


if __name__ == "__main__":
    main()
