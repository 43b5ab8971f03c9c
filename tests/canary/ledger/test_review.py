"""The account of a family, and the quarter's review."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canary.ledger.entry import Outcome
from canary.ledger.resolution import resolution
from canary.ledger.review import account, review
from tests.canary.ledger.years import DAY, Year, policy

LEDGER = policy().ledger


def test_an_account_shows_each_test_by_every_rule() -> None:
    """Level, p-value, and adjusted p-values at the settlement and now; pending tests have none."""
    year = Year()
    year.run(1e-6, 0.04)
    year.register(28 * DAY)
    found = account(year.entries, LEDGER, "revenue_critical", 30 * DAY)
    won, lost, pending = found.lines
    assert (won.passes_level, lost.passes_level, pending.passes_level) == (True, False, None)
    assert (won.passes_lord, lost.passes_lord, pending.passes_lord) == (True, False, None)
    assert (won.adjusted_then, won.adjusted_now) == (1e-6, 2e-6)
    assert lost.adjusted_then == pytest.approx(0.04)
    assert (pending.adjusted_then, pending.adjusted_now) == (None, None)
    assert found.discoveries == 1
    assert account(year.entries, LEDGER, "other", 30 * DAY).lines == ()


def test_a_review_lists_discoveries_that_have_become_doubtful_and_changes_none() -> None:
    """Promoted at p .04 with nothing before; three lost tests later BH would not accept it."""
    year = Year(policy(ledger=replace(LEDGER, fdr="bh")))
    year.settle(year.register().number, 0.04, at=14 * DAY, outcome=Outcome.PROMOTED)
    year.run(0.6, 0.7, 0.8)
    before = list(year.entries)
    found = review(year.entries, LEDGER, 60 * DAY)
    (doubtful,) = found.risen
    assert (doubtful.entry.test_id, doubtful.adjusted_then) == ("t-1", 0.04)
    assert doubtful.adjusted_now == pytest.approx(0.16)
    assert year.entries == before
    assert doubtful.entry.discovered


def test_a_review_counts_its_own_period_and_keeps_doubts_until_they_leave_the_window() -> None:
    """A quarter later the old test is not among the settled, but still listed as doubtful."""
    year = Year()
    year.settle(year.register().number, 0.04, at=14 * DAY, outcome=Outcome.PROMOTED)
    year.run(0.6, 0.7, 1e-9)
    later = review(year.entries, LEDGER, 130 * DAY)
    assert [line.entry.number for line in later.settled] == [3, 4]
    assert (later.discoveries, later.expected_false) == (1, 0.05)
    assert review(year.entries, LEDGER, 14 * DAY + LEDGER.bh_window_seconds).risen == ()


def test_the_ledgers_level_costs_more_effect_than_the_tests_alpha() -> None:
    """At 300,000 conversations a day both are far below a point, the ledger's above."""
    found = resolution(policy(), variance=0.78 * 0.22, level=0.000268)
    assert 0.0008 < found.by_test < found.by_ledger < 0.003
    assert found.effect == found.by_ledger
    assert resolution(policy(), variance=0.17, level=0.0).effect == float("inf")
    assert resolution(policy(), variance=0.17, level=0.2).effect > 0
