"""Order statistics of a tail, and the ratio of two P99s."""

from __future__ import annotations

import numpy as np
import pytest

from canary.statistics.quantile_ratio import (
    MIN_OBSERVATIONS,
    quantile_interval,
    quantile_ranks,
    quantile_ratio,
)


def test_ranks_match_the_binomial_quantiles() -> None:
    """R's qbinom: 983 and 997 of 1,000 at .99, 40 and 61 of 100 at the median (two-sided .95)."""
    assert quantile_ranks(1000, 0.99, 0.975) == (983, 997)
    assert quantile_ranks(100, 0.5, 0.975) == (40, 61)


def test_below_299_no_rank_bounds_the_p99_from_above() -> None:
    """.99 to the 299th is the first below .05."""
    assert quantile_ranks(MIN_OBSERVATIONS, 0.99, 0.95)[1] == MIN_OBSERVATIONS
    assert quantile_ranks(MIN_OBSERVATIONS - 1, 0.99, 0.95)[1] == MIN_OBSERVATIONS
    slowest = [float(x) for x in range(298, 200, -1)]
    assert quantile_interval(298, slowest, 0.99, 0.95) is None


def test_interval_needs_only_the_slowest() -> None:
    """The 3% that are kept give the same interval as all of them."""
    values = sorted(np.random.default_rng(2).lognormal(7, 1, 5000).tolist(), reverse=True)
    assert quantile_interval(5000, values[:200], 0.99, 0.95) == quantile_interval(
        5000, values, 0.99, 0.95
    )
    assert quantile_interval(5000, values[:10], 0.99, 0.95) is None


def test_ratio_of_identical_distributions_is_covered() -> None:
    """The one-sided 95% upper bound lies above 0 in about 95% of 2,000 trials."""
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(2000):
        arms = []
        for n in (2000, 600):
            slowest = np.sort(rng.lognormal(7, 0.6, n))[::-1][:150].tolist()
            arms.append(quantile_interval(n, slowest, 0.99, 0.95))
        control, canary = arms
        assert control is not None
        assert canary is not None
        covered += quantile_ratio(canary, control).upper >= 0
    assert 0.935 < covered / 2000 < 0.995


def test_no_observations_bound_nothing_and_bad_ones_are_refused() -> None:
    """An empty arm is no error; values out of order, negative or too many are."""
    assert quantile_interval(0, [], 0.99, 0.95) is None
    with pytest.raises(ValueError, match="largest must come first"):
        quantile_interval(10, [1.0, 2.0], 0.99, 0.95)
    with pytest.raises(ValueError, match="above 0"):
        quantile_interval(10, [0.0], 0.99, 0.95)
    with pytest.raises(ValueError, match="2 values of n = 1"):
        quantile_interval(1, [2.0, 1.0], 0.99, 0.95)
