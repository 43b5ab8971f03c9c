"""Our figures against statsmodels' and scipy's, where theirs are right.

Left out: statsmodels' Miettinen-Nurminen interval (`method="score"`), which misses the published
table and fails on zero cells; R's figures stand in the gold vectors instead.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats import contingency_tables, multitest, power, proportion, weightstats

from canary.statistics import (
    chi_square,
    difference_intervals,
    exact_test,
    means,
    multiplicity,
    normal,
    odds,
    ranks,
    sample_ratio,
    sample_size,
    sample_size_t,
    two_proportions,
)
from canary.statistics.strata import Strata

SEEDS = range(12)


def rng(seed: int) -> np.random.Generator:
    """Random numbers of one test."""
    return np.random.default_rng(seed)


def counts(seed: int) -> tuple[int, int, int, int]:
    """Plausible counts, from a handful to many, edges included."""
    source = rng(seed)
    n0, n1 = (int(10 ** source.uniform(1, 5)) for _ in range(2))
    return int(source.binomial(n0, 0.7)), n0, int(source.binomial(n1, 0.75)), n1


@pytest.mark.parametrize("seed", SEEDS)
def test_score_test_matches_proportions_ztest(seed: int) -> None:
    """The pooled z and all three p-values."""
    x0, n0, x1, n1 = counts(seed)
    found = two_proportions.score_test(x0, n0, x1, n1)
    p_values = (found.p_two_sided, found.p_greater, found.p_less)
    for alternative, p_value in zip(("two-sided", "larger", "smaller"), p_values, strict=True):
        z, p = proportion.proportions_ztest([x1, x0], [n1, n0], alternative=alternative)
        assert (found.z, p_value) == pytest.approx((z, p), rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("method", "ours"),
    [
        ("newcomb", difference_intervals.newcombe),
        ("wald", difference_intervals.wald),
        ("agresti-caffo", difference_intervals.agresti_caffo),
    ],
)
def test_intervals_match_confint_proportions_2indep(seed: int, method: str, ours: object) -> None:
    """Newcombe, Wald and Agresti-Caffo at two confidences."""
    x0, n0, x1, n1 = counts(seed)
    for alpha in (0.05, 0.01):
        theirs = proportion.confint_proportions_2indep(x1, n1, x0, n0, method=method, alpha=alpha)
        assert ours(x0, n0, x1, n1, 1 - alpha) == pytest.approx(theirs, rel=1e-8, abs=1e-12)  # type: ignore[operator]


@pytest.mark.parametrize("seed", SEEDS)
def test_fisher_matches_scipy(seed: int) -> None:
    """The two-sided exact test, small and large."""
    x0, n0, x1, n1 = counts(seed)
    theirs = scipy.stats.fisher_exact([[x1, n1 - x1], [x0, n0 - x0]]).pvalue
    assert exact_test.fisher_two_sided(x0, n0, x1, n1) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_welch_matches_compare_means(seed: int) -> None:
    """t, df, p-value and interval from moments alone."""
    source = rng(seed)
    a, b = source.normal(3, 1, 30 + seed), source.normal(3.2, 2, 20)
    arms = [means.Moments(len(x), x.mean(), x.var(ddof=1)) for x in (a, b)]
    found = means.welch(arms[0], arms[1])
    compare = weightstats.CompareMeans.from_data(b, a)
    t, p, df = compare.ttest_ind(usevar="unequal")
    lower, upper = compare.tconfint_diff(usevar="unequal")
    ours = (found.t, found.p_two_sided, found.df, found.lower, found.upper)
    assert ours == pytest.approx((t, p, df, lower, upper), rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("method", "ours"),
    [
        ("fdr_bh", multiplicity.benjamini_hochberg),
        ("fdr_by", multiplicity.benjamini_yekutieli),
        ("holm", multiplicity.holm),
        ("bonferroni", multiplicity.bonferroni),
    ],
)
def test_adjusted_p_values_match_multipletests(seed: int, method: str, ours: object) -> None:
    """Ties included."""
    p = np.round(rng(seed).uniform(0, 1, 25) ** 2, 2)
    rejected, adjusted, *_ = multitest.multipletests(p, alpha=0.1, method=method)
    found = ours(p)  # type: ignore[operator]
    assert found == pytest.approx(adjusted, rel=1e-12)
    assert multiplicity.rejected(found, 0.1).tolist() == rejected.tolist()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_mann_whitney_matches_scipy(seed: int, alternative: ranks.Alternative) -> None:
    """Without ties exactly, with ties normally, each with and without continuity."""
    source = rng(seed)
    a, b = np.sort(source.normal(0, 1, 9)), np.sort(source.normal(0.5, 1, 11))

    def theirs(x: np.ndarray, y: np.ndarray, **options: object) -> float:
        return float(scipy.stats.mannwhitneyu(y, x, alternative=alternative, **options).pvalue)

    found = ranks.mann_whitney(a, b, alternative)
    assert found.p_exact == pytest.approx(theirs(a, b, method="exact"), rel=1e-10)
    x, y = np.round(a), np.round(b)
    tied = ranks.mann_whitney(x, y, alternative)
    assert tied.p_exact is None
    for ours, correction in ((tied.p_value, False), (tied.p_value_continuity, True)):
        other = theirs(x, y, method="asymptotic", use_continuity=correction)
        assert ours == pytest.approx(other, rel=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_odds_match_stratified_table(seed: int) -> None:
    """Common odds ratio, Cochran-Mantel-Haenszel and Breslow-Day."""
    source = rng(seed)
    n0, n1 = source.integers(50, 900, (2, 4))
    x0, x1 = source.binomial(n0, 0.4), source.binomial(n1, 0.5)
    tables = [np.array([[b, m - b], [a, n - a]]) for a, n, b, m in zip(x0, n0, x1, n1, strict=True)]
    theirs = contingency_tables.StratifiedTable([t.astype(float) for t in tables])
    found = odds.odds_tests(Strata(x0, n0, x1, n1))
    null, equal = theirs.test_null_odds(), theirs.test_equal_odds()
    assert found.odds_ratio == pytest.approx(theirs.oddsratio_pooled, rel=1e-10)
    assert (found.cmh, found.cmh_p) == pytest.approx((null.statistic, null.pvalue), rel=1e-8)
    ours = (found.breslow_day, found.breslow_day_p)
    assert ours == pytest.approx((equal.statistic, equal.pvalue), rel=1e-6)


@pytest.mark.parametrize("allocation", [0.05, 0.5, 1.0, 19.0])
@pytest.mark.parametrize("sides", [1, 2])
def test_t_sizes_match_ttest_power(allocation: float, sides: sample_size.Sides) -> None:
    """From the noncentral t, for any allocation."""
    alternative = "two-sided" if sides == 2 else "larger"
    theirs = power.TTestIndPower().solve_power(
        0.3, alpha=0.05, power=0.9, ratio=allocation, alternative=alternative
    )
    found = sample_size_t.t_size(0.6, 2.0, power=0.9, allocation=allocation, sides=sides)
    assert found.control == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_chi_square_mismatch_matches_scipy(seed: int) -> None:
    """Three arms at uneven shares."""
    shares = np.array([0.9, 0.07, 0.03])
    observed = rng(seed).multinomial(5000, shares)
    statistic, p = scipy.stats.chisquare(observed, 5000 * shares)
    found = sample_ratio.chi_square_mismatch(observed, shares)
    assert (found.statistic, found.p_value) == pytest.approx((statistic, p), rel=1e-10)


@pytest.mark.parametrize("df", [1, 2, 3, 6, 7, 30, 101])
def test_chi_square_tail_matches_scipy(df: int) -> None:
    """Also far out, where 1 - cdf has no digits left."""
    at = np.array([0.0, 1e-12, 0.5, df, 10.0 * df, 400.0])
    theirs = scipy.stats.chi2.sf(at, df)
    assert chi_square.chi_square_upper_tail(at, df) == pytest.approx(theirs, rel=1e-11)


def test_normal_matches_scipy() -> None:
    """Tails and quantiles, to 1e-300."""
    at = np.linspace(-9, 36, 500)
    assert normal.upper_tail(at) == pytest.approx(scipy.stats.norm.sf(at), rel=1e-11)
    p = np.array([1e-300, 1e-20, 1e-6, 0.025, 0.5, 0.9])
    assert normal.upper_tail_quantile(p) == pytest.approx(scipy.stats.norm.isf(p), rel=1e-11)


def test_the_interval_left_out_is_wrong_there() -> None:
    """Should statsmodels mend its score interval, it may be compared with again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = proportion.confint_proportions_2indep(56, 70, 48, 80, method="score")
    assert theirs != pytest.approx((0.0528, 0.3382), abs=5e-5)
