"""The clustered chi-square of a mix: Pearson's where nothing is clustered, honest where it is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from canary.statistics.mix_shift import mix_shift

Matrix = list[list[float]]


def multinomial(shares: list[float], size: float) -> Matrix:
    """The covariance of shares of `size` independent draws."""
    return [
        [((j == k) * p - p * q) / size for k, q in enumerate(shares)] for j, p in enumerate(shares)
    ]


def test_independent_draws_give_pearsons_chi_square() -> None:
    """Statistic, degrees of freedom and p-value of scipy's test of a 2 by 4 table."""
    table = np.array([[120, 340, 90, 50], [150, 310, 80, 60]], dtype=float)
    sizes = table.sum(axis=1)
    pooled = (table.sum(axis=0) / table.sum()).tolist()
    wanted = chi2_contingency(table, correction=False)
    found = mix_shift(
        (table[1] / sizes[1] - table[0] / sizes[0]).tolist(),
        multinomial(pooled, float(1 / (1 / sizes).sum())),
        pooled,
    )
    assert found.df == wanted.dof == 3
    assert found.statistic == pytest.approx(wanted.statistic)
    assert found.p_value == pytest.approx(wanted.pvalue)


def test_clusters_that_double_the_variance_halve_the_statistic() -> None:
    """A customer whose every message is the same counts as one message."""
    shares = [0.5, 0.3, 0.2]
    plain = multinomial(shares, 400.0)
    doubled = [[2 * value for value in row] for row in plain]
    one, other = (mix_shift([0.05, -0.03, -0.02], v, shares) for v in (plain, doubled))
    assert other.statistic == pytest.approx(one.statistic / 2)
    assert one.df == other.df == 2


@given(st.lists(st.floats(0.05, 1), min_size=2, max_size=8), st.floats(0, 0.2), st.randoms())
def test_a_larger_shift_is_never_less_sure_and_order_does_not_matter(
    weights: list[float], shift: float, random: object
) -> None:
    """Doubling every difference lowers the p-value; categories may come in any order."""
    shares = [w / math.fsum(weights) for w in weights]
    differences = [shift * (p - 1 / len(shares)) for p in shares]
    covariance = multinomial(shares, 100.0)
    found = mix_shift(differences, covariance, shares)
    larger = mix_shift([2 * d for d in differences], covariance, shares)
    # Near 1 the tail is told to a digit in the last place: 1 - 1.1e-16 and then 1.
    assert larger.p_value <= found.p_value + 4 * math.ulp(1.0)
    back = mix_shift(differences[::-1], [row[::-1] for row in covariance[::-1]], shares[::-1])
    assert back.p_value == pytest.approx(found.p_value)


@pytest.mark.parametrize("spread", [0.0, 4.0])
def test_identical_arms_shift_in_one_of_twenty_at_most(spread: float) -> None:
    """Customers who write several messages, and who each prefer some intents (`spread`)."""
    rng = np.random.default_rng(7)
    customers, messages, base = 400, 4, np.array([0.4, 0.3, 0.2, 0.1])
    rounds, hits = 400, 0
    for _ in range(rounds):
        arms = []
        for _arm in range(2):
            own = rng.dirichlet(base * 4, customers) if spread else np.tile(base, (customers, 1))
            counts = np.array([rng.multinomial(messages, p) for p in own], dtype=float)
            mean = counts.sum(axis=0) / counts.sum()
            residuals = counts - mean * messages
            arms.append((mean, residuals.T @ residuals / counts.sum() ** 2))
        (old, v_old), (new, v_new) = arms
        found = mix_shift(
            (new - old).tolist(), (v_old + v_new).tolist(), ((old + new) / 2).tolist()
        )
        hits += found.p_value < 0.05
    assert hits / rounds <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / rounds)
    assert hits / rounds >= 0.02


def test_nothing_known_is_no_shift() -> None:
    """No share, no variance: p is 1; what does not fit together is refused."""
    assert mix_shift([0.0, 0.0], [[0.0, 0.0], [0.0, 0.0]], [1.0, 0.0]).p_value == 1
    assert mix_shift([], [], []).p_value == 1
    with pytest.raises(ValueError, match="differences"):
        mix_shift([0.1], [[0.1, 0.2]], [1.0])
    with pytest.raises(ValueError, match="covariance"):
        mix_shift([0.1], [[math.nan]], [1.0])
