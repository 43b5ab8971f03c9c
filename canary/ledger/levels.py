"""The level that a test reserves when it is registered, from what its family settled before.

A test that is not settled yet counts as one that did not reject: its level is paid, its reward is
not there. A level never depends on a later test, so no decision ever changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from canary.ledger.entry import Entry, Family
from canary.ledger.registration import Registration
from canary.policy.compiled import CompiledPolicy, Ledger
from canary.statistics.alpha_investing import AlphaInvesting
from canary.statistics.online_fdr import lord_plus_plus

__all__ = ["Levels", "family_of", "next_entry", "next_levels", "of_family", "q_of"]


@dataclass(frozen=True)
class Levels:
    """What a family holds its next test to by each rule, and the wealth that it finds."""

    lord: float
    alpha_investing: float
    wealth: float


def family_of(policy: CompiledPolicy) -> Family:
    """The family of a release in this region: a release touches every intent there is."""
    critical = any(intent.revenue_critical for intent in policy.intents)
    return "revenue_critical" if critical else "other"


def q_of(ledger: Ledger, family: Family) -> float:
    """The false discovery rate that a family is held to."""
    return ledger.q_revenue_critical if family == "revenue_critical" else ledger.q_other


def of_family(entries: Iterable[Entry], family: Family) -> tuple[Entry, ...]:
    """The entries of one family in the order of their registration."""
    mine = (entry for entry in entries if entry.family == family)
    return tuple(sorted(mine, key=lambda entry: entry.number))


def next_entry(
    entries: Sequence[Entry], registration: Registration, policy: CompiledPolicy
) -> Entry:
    """The entry of a registration that comes after `entries`, which are those of every family."""
    family = family_of(policy)
    before = of_family(entries, family)
    found = next_levels(before, policy.ledger, family)
    method = policy.ledger.fdr
    return Entry(
        registration=registration,
        family=family,
        number=len(before) + 1,
        method=method,
        q=q_of(policy.ledger, family),
        level=found.alpha_investing if method == "alpha_investing" else found.lord,
        lord_level=found.lord,
        wealth=found.wealth,
    )


def next_levels(before: Sequence[Entry], ledger: Ledger, family: Family) -> Levels:
    """The levels that a test registered after `before`, the family's entries in order, finds."""
    q = q_of(ledger, family)
    # LORD++ reads decisions only. They were taken at levels of their time, so each is given back
    # as a p-value that decides the same at any level.
    decided = [0.0 if entry.discovered else 1.0 for entry in before]
    lord = lord_plus_plus(decided, q, ledger.lord_start * q).next_level
    state = _invested(before, ledger)
    return Levels(lord, state.level(), state.wealth)


def _invested(before: Sequence[Entry], ledger: Ledger) -> AlphaInvesting:
    """The wealth after what each entry really paid and earned: its own level, not one made anew."""
    wealth, last = ledger.w0, 0
    for entry in before:
        if entry.discovered:
            wealth += ledger.payout
            last = entry.number
        else:
            wealth -= entry.level / (1 - entry.level)
    return AlphaInvesting(max(0.0, wealth), len(before), last, ledger.payout)
