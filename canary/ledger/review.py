"""What the ledger looks like now: each test by every rule, and the quarter's review of the past.

A review changes no decision. It shows the tests that the year since makes less certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from canary.ledger.consent import adjusted_p
from canary.ledger.entry import Entry, Family
from canary.ledger.levels import Levels, next_levels, of_family, q_of
from canary.ledger.view import p_of, recent
from canary.policy.compiled import Ledger

__all__ = ["FAMILIES", "Account", "Line", "Review", "account", "review"]

FAMILIES: tuple[Family, ...] = ("revenue_critical", "other")


@dataclass(frozen=True)
class Line:
    """One test by every rule.

    `passes_level` and `passes_lord` are p <= the level it reserved, and LORD++'s, whatever became
    of the release; None without a p-value. `adjusted_then` and `adjusted_now` are its
    Benjamini-Hochberg adjusted p-value at its settlement and now; None while it has no p-value,
    and `adjusted_now` once it left the window.
    """

    entry: Entry
    passes_level: bool | None
    passes_lord: bool | None
    adjusted_then: float | None
    adjusted_now: float | None

    @property
    def risen(self) -> bool:
        """A discovery that Benjamini-Hochberg accepted when it was made, and would not now."""
        then, now, q = self.adjusted_then, self.adjusted_now, self.entry.q
        return (
            self.entry.discovered and then is not None and now is not None and then <= q and now > q
        )


@dataclass(frozen=True)
class Account:
    """One family: its tests in the order of registration, and what the next one would find."""

    family: Family
    q: float
    lines: tuple[Line, ...]
    following: Levels

    @property
    def discoveries(self) -> int:
        """How many tests count as rejections of their null hypothesis."""
        return sum(line.entry.discovered for line in self.lines)


@dataclass(frozen=True)
class Review:
    """The tests settled since `since`, and every discovery that has become doubtful.

    `expected_false` is how many of the period's discoveries are false, at most, on average: the
    sum of q over them.
    """

    since: float
    until: float
    settled: tuple[Line, ...]
    risen: tuple[Line, ...]
    discoveries: int
    expected_false: float


def account(entries: Sequence[Entry], ledger: Ledger, family: Family, at: float) -> Account:
    """One family's account at epoch second `at`."""
    mine = of_family(entries, family)
    return Account(
        family=family,
        q=q_of(ledger, family),
        lines=tuple(_line(entry, mine, ledger, at) for entry in mine),
        following=next_levels(mine, ledger, family),
    )


def review(entries: Sequence[Entry], ledger: Ledger, at: float) -> Review:
    """The review at epoch second `at` of the period that the policy names."""
    since = at - ledger.review_seconds
    lines = [
        line
        for family in FAMILIES
        for line in account(entries, ledger, family, at).lines
        if line.entry.settlement is not None
    ]
    settled = tuple(_since(lines, since))
    found = [line.entry for line in settled if line.entry.discovered]
    return Review(
        since=since,
        until=at,
        settled=settled,
        risen=tuple(line for line in lines if line.risen),
        discoveries=len(found),
        expected_false=sum(entry.q for entry in found),
    )


def _since(lines: Iterable[Line], since: float) -> Iterator[Line]:
    for line in lines:
        if line.entry.settlement is not None and line.entry.settlement.at > since:
            yield line


def _line(entry: Entry, family: Sequence[Entry], ledger: Ledger, at: float) -> Line:
    settled = entry.settlement
    if settled is None or settled.p is None:
        return Line(entry, None, None, None, None)
    then = _adjusted(entry, family, ledger, settled.at)
    in_window = at - ledger.bh_window_seconds < settled.at
    now = _adjusted(entry, family, ledger, at) if in_window else None
    return Line(entry, settled.p <= entry.level, settled.p <= entry.lord_level, then, now)


def _adjusted(entry: Entry, family: Sequence[Entry], ledger: Ledger, at: float) -> float:
    others = recent(family, entry, at=at, window_seconds=ledger.bh_window_seconds)
    return adjusted_p(p_of(entry), tuple(p_of(other) for other in others))
