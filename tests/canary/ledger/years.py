"""Registrations and whole ledgers for the tests of the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from canary.ledger.entry import Entry, Outcome, Settlement
from canary.ledger.levels import next_entry
from canary.ledger.registration import Registration, default_registration
from canary.policy.compiled import CompiledPolicy
from tests.canary.samples import DAY, policy

__all__ = ["DAY", "Year", "policy", "registration", "settled"]


def registration(test_id: str = "t-1", at: float = 0.0, **changes: Any) -> Registration:
    """What the sample policy would run of model-b."""
    made = default_registration(
        changes.pop("of", None) or policy(),
        test_id=test_id,
        candidate="model-b",
        text="model-b completes more conversations",
        by="ana",
        at=at,
    )
    return replace(made, **changes)


def settled(
    entry: Entry, p: float | None, *, at: float = 0.0, outcome: Outcome | None = None
) -> Entry:
    """The entry as a release left it: promoted where p is at most its level, unless told."""
    found = p is not None and p <= entry.level
    ended = outcome or (Outcome.PROMOTED if found else Outcome.ROLLED_BACK)
    settlement = Settlement(at, ended, p, discovery=ended is Outcome.PROMOTED)
    return replace(entry, settlement=settlement)


class Year:
    """A ledger that grows: each test is registered, then settled before the next, unless told."""

    def __init__(self, of: CompiledPolicy | None = None) -> None:
        self.policy = of or policy()
        self.entries: list[Entry] = []

    def register(self, at: float = 0.0) -> Entry:
        """One more test, not settled yet."""
        name = f"t-{len(self.entries) + 1}"
        entry = next_entry(self.entries, registration(name, at, of=self.policy), self.policy)
        self.entries.append(entry)
        return entry

    def settle(self, number: int, p: float | None, **how: Any) -> Entry:
        """Settle the test of that number."""
        entry = settled(self.entries[number - 1], p, **how)
        self.entries[number - 1] = entry
        return entry

    def run(self, *p_values: float | None) -> list[Entry]:
        """Tests one after the other, two weeks apart."""
        for p in p_values:
            at = 14 * DAY * (len(self.entries) + 1)
            self.settle(self.register(at - 14 * DAY).number, p, at=at)
        return self.entries
