"""Two API tasks over one real Valkey, and the listener's rules as plain data a test changes.

What cannot be run quickly thousands of times stands in at its boundary: the gateway behind HTTP
(`Rules`) and the classifier (a message is its own intent). Sessions, turns, and the events that
they write are the deployed ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from canary.aws import clock
from canary.events.schema import problems
from canary.routing.parameter import AssignmentParameter, ParameterView
from services.api import events
from services.api.assignments import AssignmentFeed
from services.api.connections import Connections
from services.api.counters import Counters
from services.api.gateway_client import Attempt
from services.api.questions import Question, Reply
from services.api.sessions import Sessions
from services.api.settings import Settings
from services.api.traces import Traces
from services.api.turns import Turns
from tests.services.region import CANDIDATE, CONTROL_MODEL

ANY_NUMBER = 1_000_000
"""Of requests a minute."""


def task_settings(port: int, **changes: str) -> Settings:
    """What a task is told about a cache on this machine."""
    values = {
        "gateway_url": "http://127.0.0.1:1",
        "cache_host": "127.0.0.1",
        "cache_port": str(port),
        "parameter_prefix": "/mangaassist/canary",
        "intent_endpoint": "mangaassist-intent",
        "metrics_namespace": "MangaAssist/Canary",
        "cache_tls": "false",
    }
    return Settings(**{**values, **changes})


class Rules:
    """The gateway's listener: which arm's task set answers whom, and with which model."""

    def __init__(self) -> None:
        self.canary_open = False
        self.all_on_canary = False
        self.models = {"control": CONTROL_MODEL, "canary": CANDIDATE}
        self.drawn: str | None = "control"

    async def draw(self) -> Any:
        return self.drawn

    async def converse(
        self, arm: str, _messages: Sequence[Mapping[str, str]], **_about: Any
    ) -> Attempt:
        on_canary = self.all_on_canary or (arm == "canary" and self.canary_open)
        served = "canary" if on_canary else "control"
        return Attempt("ok", served, self.models[served], "answer")


class Classifier:
    """A message is about what it says."""

    async def classify(self, message: str) -> str:
        return message


class Task:
    """One API task: its own view of the parameter, its own memory, the shared cache."""

    def __init__(self, cache: Connections, rules: Rules) -> None:
        self.feed = AssignmentFeed(None, "/mangaassist/canary")
        self.turns = Turns(
            sessions=Sessions(cache, ANY_NUMBER),
            feed=self.feed,
            intents=Classifier(),  # type: ignore[arg-type]
            gateway=rules,  # type: ignore[arg-type]
            counters=Counters(),
            traces=Traces(None),
            region="us-east-1",
        )

    def poll(self, parameter: AssignmentParameter) -> None:
        """Read the parameter now."""
        self.feed.view = ParameterView(parameter, clock.now())

    async def serve(self, unit: str, conversation: str, intent: str) -> Reply:
        """One turn."""
        return await self.turns.serve(Question(unit, conversation, intent))


class Written:
    """The turns of this process, and a time of day that stands still until moved on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[dict[str, Any]] = []
        self.now = 1_800_000_000.0
        monkeypatch.setattr(events, "write_event", self._write)
        monkeypatch.setattr(clock, "now", lambda: self.now)

    def _write(self, event: dict[str, Any]) -> None:
        assert problems(event) == ()
        if event["event"] == "turn":
            self.lines.append(event)
