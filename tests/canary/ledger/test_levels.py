"""The level a test reserves, and what becomes of a budget over the years."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from canary.ledger.consent import consent
from canary.ledger.entry import Entry, Outcome
from canary.ledger.levels import family_of, next_levels, of_family
from canary.ledger.view import view_of
from canary.policy.compiled import CompiledPolicy, Ledger
from canary.statistics.alpha_investing import invest
from canary.statistics.online_fdr import lord_plus_plus
from tests.canary.ledger.years import DAY, Year, policy

P_VALUES = (0.2, 1e-6, 0.04, 0.8, 1e-4, 0.5, 0.5, 1e-9)


def with_ledger(**changes: Any) -> CompiledPolicy:
    return policy(ledger=Ledger(**changes))


def test_levels_are_lords_when_each_test_is_settled_before_the_next() -> None:
    """In order, the ledger is LORD++ at the family's q."""
    entries = Year().run(*P_VALUES)
    known = lord_plus_plus(P_VALUES, 0.05)
    assert [entry.level for entry in entries] == pytest.approx(known.levels, rel=1e-12)
    assert [entry.discovered for entry in entries] == known.rejected


def test_levels_are_foster_and_stines_when_the_policy_asks_for_them() -> None:
    """Levels and wealth follow the recursion of alpha investing."""
    entries = Year(with_ledger(fdr="alpha_investing")).run(*P_VALUES)
    known = invest(P_VALUES)
    assert [entry.level for entry in entries] == pytest.approx(known.levels, rel=1e-12)
    assert [entry.wealth for entry in entries[1:]] == pytest.approx(known.wealth[:-1], rel=1e-12)


@pytest.mark.parametrize("method", ["lord", "alpha_investing"])
def test_a_pending_test_counts_as_one_that_did_not_reject(method: str) -> None:
    """What is not settled yet has paid its level and earned nothing."""
    pending, lost = Year(with_ledger(fdr=method)), Year(with_ledger(fdr=method))
    pending.register()
    lost.run(0.9)
    assert pending.register().level == lost.register().level


@pytest.mark.parametrize("method", ["lord", "alpha_investing"])
def test_a_late_discovery_raises_later_levels_and_no_earlier_one(method: str) -> None:
    """Two tests overlap: what the first earns is the third's."""
    year = Year(with_ledger(fdr=method))
    year.register()
    second = year.register()
    year.settle(1, 0.0, outcome=Outcome.PROMOTED)
    assert year.entries[1] == second
    without = Year(with_ledger(fdr=method))
    without.run(0.9, 0.9)
    assert year.register().level > without.register().level


def test_a_test_that_was_rolled_back_earns_nothing_however_small_its_p() -> None:
    """Only a promotion is a discovery."""
    lost, won = Year(), Year()
    lost.settle(lost.register().number, 1e-9, outcome=Outcome.ROLLED_BACK)
    won.settle(won.register().number, 1e-9)
    assert lost.register().level < won.register().level


def test_wealth_is_spent_by_the_levels_that_were_reserved() -> None:
    """Six overlapping tests without a discovery never spend more than there was."""
    year = Year(with_ledger(fdr="alpha_investing"))
    for _ in range(6):
        year.register()
    spent = sum(entry.level / (1 - entry.level) for entry in year.entries)
    left = next_levels(year.entries, year.policy.ledger, "revenue_critical").wealth
    assert spent + left == pytest.approx(0.05)
    assert left > 0


def test_families_do_not_share_a_budget() -> None:
    """A region without revenue-critical intents counts by itself, at the other q."""
    calm = policy()
    calm = replace(
        calm, intents=tuple(replace(each, revenue_critical=False) for each in calm.intents)
    )
    assert (family_of(policy()), family_of(calm)) == ("revenue_critical", "other")
    year = Year()
    year.run(0.5, 0.5)
    year.policy = calm
    first = year.register()
    assert (first.family, first.number, first.q) == ("other", 1, 0.10)
    assert first.level == pytest.approx(2 * year.entries[0].level)
    assert [entry.number for entry in of_family(year.entries, "revenue_critical")] == [1, 2]


def discoveries(method: str, q: float, p_values: np.ndarray[Any, Any]) -> int:
    """How many of one year's tests the ledger consents to, each asked at its own time."""
    year = Year(with_ledger(fdr=method, q_revenue_critical=q, q_other=q, w0=q, payout=q))
    for index, p in enumerate(p_values):
        at = 18.0 * DAY * (index + 1)
        entry = year.register(at - 14 * DAY)
        window = year.policy.ledger.bh_window_seconds
        view = view_of(entry, year.entries, at=at, window_seconds=window)
        outcome = Outcome.PROMOTED if consent(view, p).given else Outcome.ROLLED_BACK
        year.settle(entry.number, p, at=at, outcome=outcome)
    return sum(entry.discovered for entry in year.entries)


def share_with_a_false_promotion(method: str, q: float, years: int) -> float:
    rng = np.random.default_rng(20)
    found = [discoveries(method, q, rng.random(20)) > 0 for _ in range(years)]
    return float(np.mean(found))


@pytest.mark.parametrize("method", ["lord", "alpha_investing"])
def test_years_without_any_effect_keep_the_false_discovery_rate(method: str) -> None:
    """Twenty tests a year of candidates just like the control: any promotion is a false one.

    The false discovery rate is then the share of years with one; three standard errors allowed.
    """
    years = 400
    allowed = 0.10 + 3 * (0.1 * 0.9 / years) ** 0.5
    assert share_with_a_false_promotion(method, 0.10, years) <= allowed


def test_benjamini_hochberg_on_a_growing_set_does_not_keep_it() -> None:
    """Asked after each test at q = .10, on a ledger that begins empty, BH errs in .31 of them."""
    assert share_with_a_false_promotion("bh", 0.10, 400) > 0.2


def test_an_empty_ledger_accepts_by_bh_whatever_is_below_q() -> None:
    """The first test of a year by BH is a plain test at q; LORD++ asks for far more."""
    entry: Entry = Year().register()
    view = view_of(entry, [entry], at=0.0, window_seconds=365 * DAY)
    assert consent(replace(view, method="bh"), 0.049).given
    assert not consent(view, 0.049).given
