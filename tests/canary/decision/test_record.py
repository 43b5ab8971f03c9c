"""A look's record brings the same decision again."""

from __future__ import annotations

from dataclasses import replace

from canary.decision.engine import evaluate
from canary.decision.facts import LatencyTail
from canary.decision.record import LookRecord
from tests.canary.decision.looks import HOUR, at_stage, cells, facts, policy


def recorded() -> LookRecord:
    """A judged look with something in every field of the facts."""
    state = replace(at_stage(1), policy=policy().to_json())
    known = replace(
        facts(4 * HOUR, cells(20_000)),
        latency={"canary": LatencyTail(1000, (0.1 + 0.2, 1 / 3))},
        groups={"weekday": {"0": cells(500)}},
        raised={"canary-slow-60s": 1.5},
    )
    taken = evaluate(policy(), state, known, asked_stage=1)
    return LookRecord(state, known, 1, taken.to_exact_dict())


def test_a_record_survives_json_and_replays_to_the_same_decision() -> None:
    """Nothing that the engine reads is lost or rounded on the way."""
    record = recorded()
    again = LookRecord.from_json(record.to_json())
    assert again == record
    assert again.replay() == record.decision


def test_a_changed_fact_changes_the_replay() -> None:
    """The replay is made anew, not read back."""
    record = recorded()
    emptied = replace(record, facts=replace(record.facts, cells=(), block_cells=()))
    assert emptied.replay() != record.decision
