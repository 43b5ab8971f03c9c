"""Days summed up and the last day's raw lines make the whole, whatever comes late or twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from canary.aws import facts_sql, groups_sql
from canary.aws.conversations_sql import DAY_SECONDS, Days, Window, date_of, day
from canary.aws.event_days import COMPLETE_SECONDS
from canary.policy.compiled import Metric
from tests.canary.aws.events import Events
from tests.canary.samples import policy

MIDNIGHT = 1_700_006_400.0
"""2023-11-15, 00:00 UTC; the test starts six hours before."""
START = MIDNIGHT - 6 * 3600.0
OVER = 3
"""Days after `MIDNIGHT` that the test has lasted when a look is taken."""
METRICS = (
    Metric("error", "guardrail", "rate", "turns", "error", "turns", "lower"),
    Metric(
        "completion", "success", "rate", "outcomes", "completed", "outcomes", "higher", 6 * 3600
    ),
    Metric("csat", "success", "mean", "outcomes", "csat", "surveys", "higher", 24 * 3600),
)


@dataclass(frozen=True)
class Line:
    """An event, when it happened, and when it arrived: once, or a second time."""

    event: str
    conversation: int
    epoch: float
    arrivals: tuple[float, ...]
    good: bool

    @property
    def fields(self) -> dict[str, Any]:
        unit = self.conversation % 7
        own = {"completed": self.good, "csat": 1 + 3 * self.good} if self.event == "outcome" else {}
        return {
            "arm": "canary" if unit % 2 else "control",
            "stratum": ("faq", "recommendation")[unit % 2],
            "stage": 3,
            "error": self.good if self.event == "turn" else None,
            "first_of_unit": self.event == "turn" and self.conversation < 7,
            "latency_ms": 1000.0 + self.conversation if self.event == "turn" else None,
            **own,
        }


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """An event of the test, late by less than the watermark, each delivery of it."""
    epoch = START + draw(st.integers(0, int(6 * 3600 + OVER * DAY_SECONDS)))
    delays = draw(st.lists(st.integers(1, int(COMPLETE_SECONDS) - 1), min_size=1, max_size=3))
    return Line(
        event=draw(st.sampled_from(("turn", "turn", "outcome"))),
        conversation=draw(st.integers(0, 20)),
        epoch=float(epoch),
        arrivals=tuple(epoch + delay for delay in delays),
        good=draw(st.booleans()),
    )


def table(stored: Iterable[Line], *, once: bool = False) -> Events:
    """Every delivery of every line in the folder of its arrival; with `once`, one and in time."""
    found = Events()
    for number, line in enumerate(stored):
        for arrival in (line.epoch,) if once else line.arrivals:
            found.add(
                line.event,
                f"c{line.conversation}",
                f"u{line.conversation % 7}",
                event_id=f"e{number}",
                epoch=line.epoch,
                date=date_of(arrival),
                **line.fields,
            )
    return found


def sum_up(events: Events, arrived: list[Line], date: str, end: float) -> None:
    """Keep a day as the analysis does an hour after its end, from what has arrived by then."""
    by_then = [
        replace(line, arrivals=kept)
        for line in arrived
        if (kept := tuple(at for at in line.arrivals if at < end + COMPLETE_SECONDS))
    ]
    for row in table(by_then).rows(day("events", "r-1", date, f"attempt-{date}")):
        names = ", ".join(f'"{name}"' for name in (*row, "test_id", "date"))
        marks = ", ".join("?" for _ in range(len(row) + 2))
        events.connection.execute(
            f"INSERT INTO event_days ({names}) VALUES ({marks})", [*row.values(), "t-1", date]
        )


@settings(max_examples=12, deadline=None)
@given(st.lists(lines(), min_size=1, max_size=40))
def test_a_look_over_summed_days_is_a_look_over_every_event_counted_once(found: list[Line]) -> None:
    """Moments, tails, draws and parts, against one table that has each event once."""
    now = MIDNIGHT + OVER * DAY_SECONDS
    events, whole = table(found), table(found, once=True)
    attempts = {}
    end = MIDNIGHT
    while end + COMPLETE_SECONDS <= now:
        date = date_of(end - 1)
        sum_up(events, found, date, end)
        attempts[date] = f"attempt-{date}"
        end += DAY_SECONDS
    raw = Window("r-1", START, START, now)
    summed = replace(raw, days=Days("event_days", "t-1", attempts))
    assert len(attempts) == OVER
    for query in (
        lambda window: facts_sql.cells("events", window, METRICS),
        lambda window: facts_sql.latency("events", window),
        lambda window: facts_sql.draws("events", window),
        lambda window: groups_sql.groups("events", window, policy(), 3),
    ):
        assert events.rows(query(summed)) == whole.rows(query(raw))


@settings(max_examples=25, deadline=None)
@given(st.lists(lines(), min_size=1, max_size=60))
def test_turns_are_those_that_happened(found: list[Line]) -> None:
    """Counted by hand: every turn once, and every bad one."""
    now = MIDNIGHT + OVER * DAY_SECONDS
    window = Window("r-1", START, START, now)
    rows = table(found).rows(facts_sql.cells("events", window, METRICS[:1]))
    turns = [line for line in found if line.event == "turn"]
    assert sum(float(str(row["sn0"])) for row in rows) == len(turns)
    assert sum(float(str(row["sy0"])) for row in rows) == sum(line.good for line in turns)
