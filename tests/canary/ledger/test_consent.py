"""The ledger's word on a p-value, and what a look knows of the ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canary.ledger.consent import adjusted_p, consent
from canary.ledger.entry import Outcome
from canary.ledger.view import LedgerView, view_of
from tests.canary.ledger.years import DAY, Year

VIEW = LedgerView("t-5", "revenue_critical", "lord", 0.05, 0.001, (0.2, 0.01, 0.9, 1.0))


@pytest.mark.parametrize(("p", "given"), [(0.001, True), (0.0010001, False), (0.0, True)])
def test_consent_is_p_at_most_the_level(p: float, given: bool) -> None:
    """At the level itself the ledger consents."""
    assert consent(VIEW, p).given is given


def test_benjamini_hochberg_is_always_shown_and_decides_where_it_is_chosen() -> None:
    """P .012 among .01, .2, .9, 1: the second of five is adjusted to .03, under q = .05."""
    shown = consent(VIEW, 0.012)
    assert (shown.given, shown.adjusted, shown.tests) == (False, pytest.approx(0.03), 5)
    chosen = consent(replace(VIEW, method="bh"), 0.012)
    assert chosen.given
    assert "adjusted p 0.03" in shown.sentence
    assert "does not consent" in shown.sentence
    assert "consents: p 0.012 against q 0.05" in chosen.sentence


def test_a_step_up_is_more_than_its_own_rank() -> None:
    """.04 and .045 under q .05: both hold together, though the first alone would not."""
    assert adjusted_p(0.04, (0.045,)) == pytest.approx(0.045)


def test_a_look_sees_what_was_settled_in_the_window_of_its_own_family() -> None:
    """Older tests, later ones, pending ones and other families are not in the view."""
    year = Year()
    year.run(0.5, 0.4, 0.3)
    year.settle(2, None, at=28 * DAY, outcome=Outcome.ABANDONED)
    year.entries.append(
        replace(year.entries[2], family="other", registration=year.entries[0].registration)
    )
    mine = year.register(60 * DAY)
    view = view_of(mine, year.entries, at=42 * DAY, window_seconds=28 * DAY)
    assert view.settled == (1.0, 0.3)
    assert (view.test_id, view.level, view.q) == ("t-5", mine.level, 0.05)
    assert view_of(mine, year.entries, at=41 * DAY, window_seconds=28 * DAY).settled == (0.5, 1.0)
