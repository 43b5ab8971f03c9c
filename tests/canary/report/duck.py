"""A release's events on DuckDB, read by the deployed queries and adapters."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from canary.aws.conversations_sql import Days
from canary.aws.facts import FactStore
from canary.aws.report_evidence import EvidenceStore
from canary.policy.compiled import CompiledPolicy
from canary.release.model import ReleaseState
from canary.routing.rates import rate
from tests.canary.aws.events import Events
from tests.canary.decision.looks import DAY, HOUR, at_stage, policy

ARMS = ("control", "canary")
START = 1_700_000_000.0
END = START + 14 * DAY
STAGES = {1: START, 2: START + DAY, 3: START + 2 * DAY}
INTENTS = ("faq", "recommendation", "return_request")


@dataclass
class Conversation:
    """One conversation as the test made it, before any query saw it."""

    name: str
    unit: str
    arm: str
    stratum: str
    p_canary: float
    stage: int
    started: float
    latencies: list[float]
    tokens: int
    moved: bool
    resolved: float | None
    completed: bool


@dataclass
class Scene:
    """The events, what was written into them, and the release that they belong to."""

    policy: CompiledPolicy = field(default_factory=policy)
    events: Events = field(default_factory=Events)
    conversations: list[Conversation] = field(default_factory=list)
    undrawn: int = 0

    def state(self) -> ReleaseState:
        """At the last test stage."""
        return at_stage(
            3,
            of=self.policy,
            release_id="r-1",
            admitted_at=START - HOUR,
            first_exposure_at=START,
            stage_started_at=STAGES[3],
            block_started_at=STAGES[3],
        )

    @property
    def facts(self) -> FactStore:
        """The adapter that a look reads with, over these events."""
        sums = {name: dict.fromkeys(ARMS, 0.0) for name in ("Hallucinations", "TurnsChecked")}
        metrics: Any = SimpleNamespace(sums=lambda *_: sums)
        return FactStore(self._athena, metrics, self._days)

    @property
    def evidence(self) -> EvidenceStore:
        """The adapter that a report reads with, over these events."""
        return EvidenceStore(self._athena, self._days)

    @property
    def _athena(self) -> Any:
        return SimpleNamespace(table="events", days_table="event_days", run=self._run)

    @property
    def _days(self) -> Any:
        return SimpleNamespace(load=lambda test_id: Days("event_days", test_id))

    def _run(self, queries: Sequence[str]) -> list[list[dict[str, str | None]]]:
        return [
            [{name: _text(value) for name, value in row.items()} for row in self.events.rows(query)]
            for query in queries
        ]


def scene(seed: int = 8, customers: int = 260) -> Scene:
    """Customers with one to three conversations each over the ramp, the canary a little better."""
    made, chance = Scene(), random.Random(seed)
    for number in range(customers):
        stage = chance.choice((1, 2, 3, 3, 3))
        stratum = chance.choice(INTENTS)
        p = rate(made.policy, stage, stratum)
        arm = "canary" if chance.random() < p else "control"
        end = STAGES.get(stage + 1, END - 60.0)
        for part in range(chance.choice((1, 1, 2, 3))):
            started = STAGES[stage] + chance.random() * (end - STAGES[stage])
            moved = arm == "canary" and chance.random() < 0.05
            resolved = started + chance.choice((600.0, 3600.0, 9 * HOUR)) if number % 9 else None
            found = Conversation(
                name=f"c{number:03d}-{part}",
                unit=f"u{number:03d}",
                arm=arm,
                stratum=stratum,
                p_canary=p,
                stage=stage,
                started=started,
                latencies=[chance.lognormvariate(7, 0.5) for _ in range(chance.choice((1, 2)))],
                tokens=chance.randrange(50, 400),
                moved=moved,
                resolved=resolved,
                completed=chance.random() < (0.85 if arm == "canary" else 0.75),
            )
            _write(made, found, first=part == 0)
    for number in range(5):
        made.events.add("turn", f"undrawn-{number}", f"x{number}", None, **_at(END - 10 * HOUR))
        made.undrawn += 1
    return made


def _write(made: Scene, found: Conversation, *, first: bool) -> None:
    made.conversations.append(found)
    common = {"stratum": found.stratum, "p_canary": found.p_canary, "stage": found.stage}
    for turn, latency in enumerate(found.latencies, start=1):
        made.events.add(
            "turn",
            found.name,
            found.unit,
            found.arm,
            **common,
            **_at(found.started + 30 * (turn - 1)),
            turn=turn,
            intent=found.stratum,
            status="ok",
            latency_ms=latency,
            first_of_unit=first and turn == 1,
            input_tokens=found.tokens,
            output_tokens=0,
            throttled=False,
            fallback=found.moved,
            slow=False,
            reassigned_reason="canary_unavailable" if found.moved else None,
            text="Yes, it ships to 090-1234-5678." if turn == 1 else None,
        )
    if found.resolved is not None:
        made.events.add(
            "outcome",
            found.name,
            found.unit,
            found.arm,
            **common,
            **_at(found.resolved),
            completed=found.completed,
        )


def _at(epoch: float) -> dict[str, Any]:
    import datetime as dt

    day = dt.datetime.fromtimestamp(epoch, tz=dt.UTC).date().isoformat()
    return {"epoch": epoch, "date": day}


def _text(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
