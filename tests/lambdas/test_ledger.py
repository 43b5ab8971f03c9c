"""The ledger's table: who reserves, who takes, who settles, and that nobody does so twice."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from canary.aws.ledger import (
    AlreadyRegisteredError,
    LedgerContendedError,
    Registrations,
    TakenError,
)
from canary.ledger.entry import Entry, Outcome, Settlement
from canary.ledger.levels import next_entry
from canary.ledger.registration import Registration
from canary.release.model import Cause, Phase
from tests.canary.ledger.years import Year, registration

LOST = Settlement(5.0, Outcome.ROLLED_BACK, 0.4, discovery=False)
WON = Settlement(9.0, Outcome.PROMOTED, 1e-9, discovery=True)


def reserve(ledger: Registrations, made: Registration, of: Any) -> Entry:
    return ledger.reserve(made, lambda known: next_entry(known, made, of))


def test_an_entry_is_read_as_it_was_written(region: Any) -> None:
    """By itself and in the whole ledger, to fifteen digits."""
    written = region.register()
    (read,) = region.ledger.entries()
    assert region.ledger.find("t-1") == read
    assert read.registration == written.registration
    assert read.level == pytest.approx(written.level, rel=1e-14)
    assert (read.number, read.state) == (1, "registered")


def test_a_name_is_registered_once(region: Any) -> None:
    """The second one is refused, and the first stays as it is."""
    region.register()
    before = region.ledger.entries()
    with pytest.raises(AlreadyRegisteredError, match="t-1 was registered before"):
        region.register(text="a better idea that came later")
    assert region.ledger.entries() == before


def test_of_two_simultaneous_reservations_one_plans_anew(region: Any) -> None:
    """Both read the same ledger; the levels are those of two in sequence, none is given twice."""
    plans: list[int] = []
    second = registration("t-2", of=region.policy)

    def plan(known: Sequence[Entry]) -> Entry:
        plans.append(len(known))
        if len(plans) == 1:  # between this one's read and its write
            region.register("t-1")
        return next_entry(known, second, region.policy)

    entry = region.ledger.reserve(second, plan)
    assert plans == [0, 1]
    year = Year(region.policy)
    in_sequence = [year.register().level, year.register().level]
    found = {each.test_id: each.level for each in region.ledger.entries()}
    assert found["t-1"] == pytest.approx(in_sequence[0])
    assert found["t-2"] == pytest.approx(in_sequence[1])
    assert entry.number == 2
    assert in_sequence[0] != in_sequence[1]


def test_reservations_from_many_threads_number_themselves_through(region: Any) -> None:
    """Four at once, all of which have read the empty ledger: numbers 1 to 4, levels in sequence."""
    together = threading.Barrier(4)
    writing = threading.Lock()

    def one(name: str) -> Entry:
        ledger, made = (
            Registrations(OneAtATime(region, writing), "canary-tests"),
            registration(name),
        )
        first = True

        def plan(known: Sequence[Entry]) -> Entry:
            nonlocal first
            if first:
                first = False
                together.wait(10)
            return next_entry(known, made, region.policy)

        return ledger.reserve(made, plan)

    with ThreadPoolExecutor(4) as pool:
        found = sorted(pool.map(one, ("t-1", "t-2", "t-3", "t-4")), key=lambda entry: entry.number)
    year = Year(region.policy)
    assert [entry.number for entry in found] == [1, 2, 3, 4]
    assert [e.level for e in found] == pytest.approx([year.register().level for _ in found])


class OneAtATime:
    """A client whose calls do not overlap: the mock's transactions are not made for threads."""

    def __init__(self, region: Any, lock: threading.Lock) -> None:
        self._client = region.client("dynamodb")
        self._lock = lock

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found) or name == "get_paginator":
            return found

        def call(**arguments: Any) -> Any:
            with self._lock:
                return found(**arguments)

        return call


def test_endless_contention_writes_nothing_and_says_so(region: Any) -> None:
    """Somebody always comes between: after eight attempts the command gives up."""
    made = registration("mine", of=region.policy)
    others = iter(range(100))

    def plan(known: Sequence[Entry]) -> Entry:
        region.register(f"other-{next(others)}")
        return next_entry(known, made, region.policy)

    with pytest.raises(LedgerContendedError, match="try again"):
        region.ledger.reserve(made, plan)
    assert region.ledger.find("mine") is None


def test_a_settlement_is_written_once(region: Any) -> None:
    """What came first stands; the test leaves the open list however often it is settled."""
    region.take(region.register())
    assert region.ledger.find("t-1").started_at == region.clock.time
    region.ledger.settle("t-1", "r-1", LOST)
    region.ledger.settle("t-1", "r-1", WON)
    assert region.ledger.find("t-1").settlement == LOST
    assert region.ledger.open_tests() == ()
    with pytest.raises(LookupError, match="t-1 is not the test of r-2"):
        region.ledger.settle("t-1", "r-2", WON)


def test_only_a_test_that_nobody_runs_is_abandoned(region: Any) -> None:
    """A test that a release has taken ends with its release."""
    gone = Settlement(5.0, Outcome.ABANDONED, None, discovery=False)
    free, taken = region.register("t-1"), region.register("t-2")
    region.take(taken)
    region.ledger.abandon(free, gone)
    assert region.ledger.find("t-1").state == "abandoned"
    with pytest.raises(TakenError, match="t-2 was taken"):
        region.ledger.abandon(taken, gone)
    with pytest.raises(TakenError, match="t-1"):
        region.ledger.abandon(free, gone)


def reconcile(region: Any) -> None:
    region.load("reconcile").handler({}, None)


@pytest.mark.parametrize(
    ("phase", "outcome"),
    [
        (Phase.PROMOTED, Outcome.PROMOTED),
        (Phase.REJECTED, Outcome.REJECTED),
        (Phase.ROLLED_BACK, Outcome.ROLLED_BACK),
    ],
)
def test_the_reconciler_settles_the_test_of_a_release_that_is_over(
    region: Any, phase: Phase, outcome: Outcome
) -> None:
    """However it ended, a minute later, and once."""
    region.take(region.register())
    state = region.release(p_value=1e-9, stage=0)
    reconcile(region)
    assert region.ledger.find("t-1").settlement is None
    region.releases.save(state, replace(state, phase=phase))
    reconcile(region)
    settled = region.ledger.find("t-1").settlement
    assert (settled.outcome, settled.p) == (outcome, 1e-9)
    assert settled.discovery == (phase is Phase.PROMOTED)
    region.clock.time += 60
    reconcile(region)
    assert region.ledger.find("t-1").settlement == settled


def test_a_settlement_that_stopped_half_way_is_finished(region: Any) -> None:
    """Written but still on the list: the next minute takes it off and changes nothing else."""
    entry = region.register()
    region.take(entry)
    state = region.release()
    region.releases.save(state, replace(state, phase=Phase.ROLLED_BACK, cause=Cause.OPERATOR))
    region.ledger.settle("t-1", "r-1", LOST)
    region.client("dynamodb").put_item(
        TableName="canary-tests",
        Item={"pk": {"S": "OPEN"}, "sk": {"S": "r-1"}, "test_id": {"S": "t-1"}},
    )
    reconcile(region)
    assert region.ledger.open_tests() == ()
    assert region.ledger.find("t-1").settlement == LOST
