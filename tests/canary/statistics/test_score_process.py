"""The stratified score: its estimate, its variance with clustered customers, Simpson's paradox."""

from __future__ import annotations

import math

import numpy as np
import pytest

from canary.statistics.ratio_metric import Totals, ratio_of
from canary.statistics.score_process import Pair, post_stratified, score

rng = np.random.default_rng


def sums(n: np.ndarray, y: np.ndarray) -> Totals:
    """The sums over units with denominators n and numerators y."""
    values = (len(n), n.sum(), y.sum(), (n * n).sum(), (n * y).sum(), (y * y).sum())
    return Totals(*(float(value) for value in values))


def binary(x: float, n: float) -> Totals:
    """`x` of `n` units with one observation each."""
    return Totals(n, n, x, n, x, x)


def test_estimate_is_mantel_haenszels() -> None:
    """Three strata of unequal shares: metafor's rma.mh(measure = "RD") gives .0856227."""
    strata = [(781, 1000, 45, 50), (120, 400, 8, 20), (60, 80, 55, 70)]
    pairs = [
        Pair(str(i), binary(xc, nc), binary(xt, nt)) for i, (xc, nc, xt, nt) in enumerate(strata)
    ]
    assert score(pairs).estimate == pytest.approx(0.08562271062271062, rel=1e-9)


def test_strata_undo_simpsons_paradox() -> None:
    """Kidney stones: worse in the pool, better in both strata (metafor: .0538356)."""
    pairs = [
        Pair("small", binary(234, 270), binary(81, 87)),
        Pair("large", binary(55, 80), binary(192, 263)),
    ]
    assert score(pairs).estimate == pytest.approx(0.05383557024347473, rel=1e-9)
    effect, error = post_stratified(pairs, {"small": 357, "large": 343})
    assert effect == pytest.approx(0.053671217385603764, rel=1e-9)
    assert error == pytest.approx(0.0335858, rel=0.02)


def test_variance_is_the_customers_not_the_conversations() -> None:
    """Customers who all repeat each conversation four times leave Z as it was with one."""
    rows = rng(1).random(400) < 0.5
    ones = sums(np.ones(200), rows[:200].astype(float))
    others = sums(np.ones(200), rows[200:].astype(float))
    four = sums(np.full(200, 4.0), 4.0 * rows[:200])
    four_others = sums(np.full(200, 4.0), 4.0 * rows[200:])
    once = score([Pair("a", ones, others)])
    again = score([Pair("a", four, four_others)])
    assert again.estimate == pytest.approx(once.estimate)
    assert again.z() == pytest.approx(once.z())


def test_z_is_standard_normal_for_clustered_identical_arms() -> None:
    """With two correlated conversations a customer the 5% test rejects about 5%."""
    source = rng(3)
    rejected = 0
    for _ in range(1000):
        pairs = []
        for p in (0.1, 0.5):
            arms = []
            for size in (int(600 * (1 - p)), int(600 * p)):
                own = source.beta(3, 1, size)
                n = source.integers(1, 4, size).astype(float)
                arms.append(sums(n, source.binomial(n.astype(int), own).astype(float)))
            pairs.append(Pair("a", *arms))
        rejected += abs(score(pairs).z()) > 1.96
    assert 0.03 < rejected / 1000 < 0.072


def test_an_arm_without_events_still_has_a_variance() -> None:
    """Residuals are taken about the common rate."""
    found = score([Pair("a", binary(5, 100), binary(0, 100))])
    assert found.v > 0
    assert found.z() < -2


def test_empty_strata_say_nothing() -> None:
    """A stratum with one arm, or one customer in it, has no weight; nothing at all is NaN."""
    alone = Pair("a", binary(5, 100), binary(1, 1))
    assert score([alone]).w == 0
    assert math.isnan(score([]).estimate)
    assert score([]).z() == 0
    assert all(math.isnan(value) for value in post_stratified([alone], {"a": 1.0}))


def test_ratio_of_matches_the_delta_method() -> None:
    """Variance of a ratio of means, as the textbook has it."""
    source = rng(5)
    n = source.integers(1, 6, 500).astype(float)
    y = source.binomial(n.astype(int), 0.3).astype(float)
    found = ratio_of(sums(n, y))
    residuals = y - found.estimate * n
    assert found.estimate == pytest.approx(y.sum() / n.sum())
    assert found.variance == pytest.approx(residuals.var(ddof=1) / 500 / n.mean() ** 2, rel=1e-6)


def test_ratio_of_refuses_sums_that_are_no_numbers() -> None:
    """The error names the sum."""
    with pytest.raises(ValueError, match="yy"):
        ratio_of(Totals(1, 1, 1, 1, 1, math.nan))
    with pytest.raises(ValueError, match="n: -1"):
        ratio_of(Totals(1, -1, 0, 1, 0, 0))
    assert math.isnan(ratio_of(Totals()).estimate)
    assert ratio_of(Totals(1, 1, 1, 1, 1, 1)).variance == math.inf
