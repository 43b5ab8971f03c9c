"""Sample ratio mismatch, looked at as often as one likes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from canary.statistics.srm import mismatch_p_value, multinomial_log_e


def test_e_value_matches_its_closed_form() -> None:
    """Lindon and Malek 2022; checked with savvi 0.3.1 at concentration 100."""
    assert multinomial_log_e((9600, 400), (0.95, 0.05), 100) == pytest.approx(
        8.928511003115545, rel=1e-8
    )


def test_healthy_draws_are_rarely_stopped_however_often_looked_at() -> None:
    """Of 400 releases with 200 looks each at .05 at most 5% ever fall below."""
    rng = np.random.default_rng(6)
    stopped = 0
    for _ in range(400):
        canary = np.cumsum(rng.binomial(100, (0.05, 0.25), (200, 2)), axis=0)
        p = min(
            mismatch_p_value(
                (rate, 100 * (k + 1) - int(c), int(c))
                for rate, c in zip((0.05, 0.25), row, strict=True)
            )
            for k, row in enumerate(canary)
        )
        stopped += p < 0.05
    assert stopped / 400 <= 0.05


def test_a_canary_that_loses_a_fifth_of_its_units_is_found() -> None:
    """At 5% asked and 4% seen of 20,000 the p-value is far below .0005."""
    assert mismatch_p_value([(0.05, 19_200, 800)]) < 1e-6


def test_rates_without_chance_and_no_draws_say_nothing() -> None:
    """The ends of the ramp, and an empty release, are no mismatch."""
    assert mismatch_p_value([]) == 1.0
    assert mismatch_p_value([(1.0, 0, 500), (0.0, 10, 0), (0.5, 0, 0)]) == 1.0


@pytest.mark.parametrize(
    ("counts", "shares", "word"),
    [
        ((1, 2), (0.5, 0.6), "shares"),
        ((-1, 2), (0.5, 0.5), "counts"),
        ((math.nan, 2), (0.5, 0.5), "counts"),
        ((1, 2), (0.0, 1.0), "shares"),
    ],
)
def test_impossible_counts_and_shares_are_refused(
    counts: tuple[float, ...], shares: tuple[float, ...], word: str
) -> None:
    """The error names the argument."""
    with pytest.raises(ValueError, match=word):
        multinomial_log_e(counts, shares, 100)
