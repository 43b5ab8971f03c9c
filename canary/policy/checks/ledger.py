"""What must hold of the ledger's error rates."""

from __future__ import annotations

from collections.abc import Iterator

from canary.policy.model import LedgerRule
from canary.policy.problem import Problem

__all__ = ["check_ledger"]


def check_ledger(ledger: LedgerRule) -> Iterator[Problem]:
    """Revenue is held to no more than the rest, and alpha investing to the rates it stands for."""
    if ledger.q_revenue_critical > ledger.q_other:
        expected = f"at most {ledger.q_other:g}, the rate of all other tests"
        yield Problem("ledger.q_revenue_critical", ledger.q_revenue_critical, expected)
    if ledger.w0 > ledger.q_revenue_critical:
        expected = (
            f"at most {ledger.q_revenue_critical:g}: the first wealth is the rate it is held to"
        )
        yield Problem("ledger.w0", ledger.w0, expected)
    if ledger.payout > ledger.w0:
        expected = (
            f"at most {ledger.w0:g}: the rate is kept while a rejection earns no more than w0"
        )
        yield Problem("ledger.payout", ledger.payout, expected)
