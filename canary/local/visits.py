"""Who comes, when, and what about: the same for the same seed, whatever else happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from canary.local.behaviour import uniform
from canary.local.scenario import Load
from canary.policy.compiled import Intent

__all__ = ["Visit", "Visits"]

RETURN_SECONDS = 5.0
"""Nobody comes back sooner (real seconds): the conversation before is over by then."""
ANONYMOUS_SHARE = 0.3
SAME_INTENT_SHARE = 0.85
PRIME_SHARE = 0.4
"""Of the customers who are signed in."""
STREAMED_SHARE = 0.05
"""Of the conversations: a stream costs this machine several answers."""


@dataclass(frozen=True)
class Visit:
    """One conversation to come: who, what each message is about, virtual seconds between them."""

    conversation_id: str
    who: dict[str, str]
    intents: tuple[str, ...]
    think_seconds: float
    prime: bool = False
    """The customer's tier."""
    streams: bool = False
    """Whether the answers are read while they come."""


class Visits:
    """The conversations of a run, by number."""

    def __init__(self, load: Load, seed: int, intents: Sequence[Intent]) -> None:
        total = sum(intent.daily_volume for intent in intents)
        shares = [intent.daily_volume / total for intent in intents]
        self._names = [intent.name for intent in intents]
        self._intent_steps = list(accumulate(shares))
        self._turn_steps = list(accumulate(load.turns))
        self._load = load
        self._seed = seed
        self._gap = int(RETURN_SECONDS * load.conversations_per_second)

    def arrival_seconds(self, number: int) -> float:
        """When conversation `number` begins, in real seconds since the first second."""
        luck = uniform(self._seed, "arrival", str(number))
        return (number + luck) / self._load.conversations_per_second

    def visit(self, number: int) -> Visit:
        """Conversation `number`."""
        conversation_id = f"c{number:06d}"
        turns = 1 + _step(self._turn_steps, uniform(self._seed, "turns", conversation_id))
        root = self._first_visit(number)
        # The seed is in the name: draws hash it, and other seeds are to be other customers.
        session_id = f"s{self._seed}-{root:06d}"
        who = {"session_id": session_id}
        if uniform(self._seed, "anonymous", session_id) >= ANONYMOUS_SHARE:
            who["customer_id"] = f"u{self._seed}-{root:06d}"
        signed_in = "customer_id" in who
        prime = signed_in and uniform(self._seed, "prime", session_id) < PRIME_SHARE
        streams = uniform(self._seed, "stream", conversation_id) < STREAMED_SHARE
        pause = self._load.think_seconds * (0.5 + uniform(self._seed, "think", conversation_id))
        intents = self._intents(conversation_id, turns)
        return Visit(conversation_id, who, intents, pause, prime=prime, streams=streams)

    def _intents(self, conversation_id: str, turns: int) -> tuple[str, ...]:
        """The first by volume; later ones mostly the same."""
        about: list[str] = []
        for turn in range(1, turns + 1):
            stays = uniform(self._seed, "stay", conversation_id, turn) < SAME_INTENT_SHARE
            if about and stays:
                about.append(about[0])
                continue
            luck = uniform(self._seed, "intent", conversation_id, turn)
            about.append(self._names[_step(self._intent_steps, luck)])
        return tuple(about)

    def _first_visit(self, number: int) -> int:
        """The number of this customer's first conversation."""
        while number >= self._gap:
            luck = uniform(self._seed, "return", str(number))
            if luck >= self._load.returning:
                break
            number = int(luck / self._load.returning * (number - self._gap + 1))
        return number


def _step(steps: Sequence[float], luck: float) -> int:
    """The first step above `luck`; the last one when rounding leaves none."""
    return next((i for i, step in enumerate(steps) if luck < step), len(steps) - 1)
