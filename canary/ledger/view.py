"""What a look knows of the ledger: enough to ask for its consent, and to ask again in a replay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from canary.ledger.entry import Entry
from canary.release.model import ReleaseState

__all__ = ["LedgerView", "p_of", "recent", "view_for", "view_of"]


@dataclass(frozen=True)
class LedgerView:
    """The level reserved for a test, and the p-values settled before, as a look found them."""

    test_id: str
    family: str
    method: str
    q: float
    level: float
    settled: tuple[float, ...] = ()
    """Of the family's tests settled within the window of Benjamini-Hochberg, oldest first; a test
    that ended before its last look counts as 1."""

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> LedgerView:
        """Read a view from JSON. Raises `TypeError` on another shape."""
        return cls(**{**value, "settled": tuple(value["settled"])})


def view_of(
    entry: Entry, entries: Iterable[Entry], *, at: float, window_seconds: float
) -> LedgerView:
    """What a look at epoch second `at` of that entry's test knows; `entries` are everybody's."""
    others = recent(entries, entry, at=at, window_seconds=window_seconds)
    return LedgerView(
        test_id=entry.test_id,
        family=entry.family,
        method=entry.method,
        q=entry.q,
        level=entry.level,
        settled=tuple(p_of(other) for other in others),
    )


def view_for(
    state: ReleaseState, entries: Iterable[Entry], *, at: float, window_seconds: float
) -> LedgerView | None:
    """What a look of that release knows; None for a release that was admitted without a test.

    Raises `LookupError` when the ledger has lost the test of a registered release: without an
    answer there is no consent.
    """
    known = tuple(entries)
    for entry in known:
        if entry.test_id == state.test_id and entry.release_id == state.release_id:
            return view_of(entry, known, at=at, window_seconds=window_seconds)
    if state.registered:
        raise LookupError(f"test {state.test_id} of {state.release_id} is not in the ledger")
    return None


def recent(
    entries: Iterable[Entry], but: Entry, *, at: float, window_seconds: float
) -> tuple[Entry, ...]:
    """The other tests of the same family that were settled in the window that ends at `at`."""
    found = (
        (entry.settlement.at, entry)
        for entry in entries
        if entry.settlement and entry.family == but.family and entry.test_id != but.test_id
    )
    kept = [(when, entry) for when, entry in found if at - window_seconds < when <= at]
    return tuple(entry for _, entry in sorted(kept, key=lambda each: (each[0], each[1].number)))


def p_of(entry: Entry) -> float:
    """A settled test's p-value; 1 when it ended before its last look."""
    settled = entry.settlement
    return 1.0 if settled is None or settled.p is None else settled.p
