"""Boundaries against gsDesign, and their error rate."""

from __future__ import annotations

import math

import numpy as np
import pytest

from canary.statistics.spending import boundaries, obrien_fleming_spend, planned_boundaries


@pytest.mark.parametrize(
    ("fractions", "expected"),
    [
        ((0.5, 1), (2.962588, 1.968596)),
        ((2 / 7, 4 / 7, 1), (4.033339, 2.746034, 1.976798)),
        ((0.2, 0.4, 0.6, 0.8, 1), (4.876885, 3.357012, 2.680280, 2.289817, 2.031032)),
        ((0.25, 0.6, 1), (4.332634, 2.668869, 1.980976)),
    ],
)
def test_boundaries_match_gsdesign(
    fractions: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    """R gsDesign 3.11, sfLDOF, two-sided .05, alpha/2 to each side."""
    assert planned_boundaries(fractions, 0.05) == pytest.approx(expected, abs=2e-5)


def test_spend_matches_its_closed_form() -> None:
    """Lan and DeMets 1983: at t = 2/7 one side has spent 2.749e-5."""
    assert obrien_fleming_spend(2 / 7, 0.025) == pytest.approx(2.749490712533846e-05, rel=1e-9)
    assert obrien_fleming_spend(1.3, 0.025) == 0.025


def test_a_look_without_alpha_has_no_bound() -> None:
    """Spending nothing, nothing can be crossed; the rest is left for later."""
    first, last = boundaries([0.5, 1.0], [0.0, 0.025])
    assert first == math.inf
    assert last == pytest.approx(1.95996, abs=1e-4)


def test_an_underrun_test_still_spends_exactly_alpha() -> None:
    """With half the information planned the last look takes all that is left."""
    information = [100.0, 260.0, 500.0]
    spent = [*(obrien_fleming_spend(v / 1000, 0.025) for v in information[:2]), 0.025]
    bounds = np.array(boundaries(information, spent))
    rng = np.random.default_rng(7)
    steps = np.sqrt(np.diff([0.0, *information]))
    paths = np.cumsum(rng.standard_normal((200_000, 3)) * steps, axis=1)
    crossed = (paths / np.sqrt(information) >= bounds).any(axis=1).mean()
    assert crossed == pytest.approx(0.025, abs=4 * math.sqrt(0.025 / 200_000))


@pytest.mark.parametrize("information", [[], [0.5, 0.4, 1.0], [0.0, 1.0], [math.nan]])
def test_information_that_does_not_rise_is_refused(information: list[float]) -> None:
    """The error names it."""
    with pytest.raises(ValueError, match="information"):
        boundaries(information, [0.01] * len(information))


def test_spend_refuses_no_information_and_no_alpha() -> None:
    """The error names the argument."""
    with pytest.raises(ValueError, match="t:"):
        obrien_fleming_spend(0, 0.025)
    with pytest.raises(ValueError, match="alpha"):
        obrien_fleming_spend(0.5, 0)
