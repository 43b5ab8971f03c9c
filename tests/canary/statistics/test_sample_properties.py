"""Means, ranks, quantiles, clusters, durations and posteriors, from samples of known law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.statistics import ratio_metric
from canary.statistics.beta_bernoulli import (
    Beta,
    expected_losses,
    probability_best,
    probability_better,
)
from canary.statistics.clustered_ratio import UnitSums, clustered_difference, clustered_ratio
from canary.statistics.duration import (
    Phase,
    bottleneck,
    days_to_information,
    days_to_sizes,
    information_per_day,
)
from canary.statistics.exploration import clip_and_rescale, floor_mixture, project_on_floor
from canary.statistics.means import Moments, PairedMoments, cuped, welch
from canary.statistics.novelty import novelty_contrast
from canary.statistics.quantile_difference import order_statistic_ranks, quantile_difference
from canary.statistics.ranks import hodges_lehmann, mann_whitney
from canary.statistics.sample_size import Sizes, proportions_size

samples = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=30).map(sorted)


def rng(seed: int) -> np.random.Generator:
    """Random numbers of one test."""
    return np.random.default_rng(seed)


def paired(x: np.ndarray, y: np.ndarray) -> PairedMoments:
    """One arm's moments, of many samples at once (the last axis is the sample)."""
    dx, dy = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    n = x.shape[-1]
    return PairedMoments(
        n,
        x.mean(-1),
        y.mean(-1),
        x.var(-1, ddof=1),
        y.var(-1, ddof=1),
        (dx * dy).sum(-1) / (n - 1),
    )


def test_welch_covers_uneven_arms() -> None:
    """20,000 pairs of samples with spreads 1 and 4, sizes 60 and 9: 95% of intervals hold."""
    source = rng(1)
    a, b = source.normal(0, 1, (20_000, 60)), source.normal(0.3, 4, (20_000, 9))
    arms = [Moments(x.shape[1], x.mean(1), x.var(1, ddof=1)) for x in (a, b)]
    found = welch(arms[0], arms[1])
    assert np.mean((found.lower <= 0.3) & (found.upper >= 0.3)) == pytest.approx(0.95, abs=0.006)


def test_cuped_narrows_without_bias() -> None:
    """A covariate that explains 64% leaves 36% of the variance; the estimate stays where it was."""
    source = rng(2)
    x0, x1 = source.normal(5, 1, (2000, 200)), source.normal(5, 1, (2000, 300))
    y0 = 0.8 * x0 + source.normal(0, 0.6, x0.shape)
    y1 = 0.1 + 0.8 * x1 + source.normal(0, 0.6, x1.shape)
    found = cuped(paired(x0, y0), paired(x1, y1))
    assert np.mean(found.test.difference) == pytest.approx(0.1, abs=0.005)
    assert np.mean(found.variance_ratio) == pytest.approx(0.36, abs=0.01)
    inside = (found.test.lower <= 0.1) & (found.test.upper >= 0.1)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


def test_clustered_errors_hold_where_binomial_ones_do_not() -> None:
    """Customers with their own rates and 1 to 6 conversations: null tests are refused 5%.

    Taking conversations for independent refuses more than twice as many.
    """
    source = rng(3)
    arms, naive = [], []
    for _ in range(2):
        turns = source.integers(1, 7, (3000, 400))
        rate = source.beta(1.5, 0.5, turns.shape)
        done = source.binomial(turns, rate)
        sums = (turns, done, turns * turns, turns * done, done * done)
        arms.append(UnitSums(400, *(part.sum(axis=1) for part in sums)))
        naive.append((done.sum(axis=1), turns.sum(axis=1)))
    found = clustered_difference(arms[0], arms[1])
    assert np.mean(found.p_two_sided < 0.05) == pytest.approx(0.05, abs=0.012)
    (x0, n0), (x1, n1) = naive
    p0, p1 = x0 / n0, x1 / n1
    z = (p1 - p0) / np.sqrt(p0 * (1 - p0) / n0 + p1 * (1 - p1) / n1)
    assert np.mean(np.abs(z) > 1.96) > 0.1


def test_clustered_ratio_is_the_scalar_form() -> None:
    """Decisions and simulations share one variance."""
    sums = ratio_metric.Totals(units=3, n=6, y=3, nn=14, ny=7, yy=5)
    one = ratio_metric.ratio_of(sums)
    many = clustered_ratio(UnitSums(sums.units, sums.n, sums.y, sums.nn, sums.ny, sums.yy))
    assert (many.ratio, many.standard_error**2) == pytest.approx((one.estimate, one.variance))


@given(samples, samples)
def test_mann_whitney_mirrors_and_ignores_scale(a: list[float], b: list[float]) -> None:
    """U + U' = pairs; any rising transformation changes nothing."""
    one, other = mann_whitney(a, b), mann_whitney(b, a)
    assert one.u + other.u == len(a) * len(b)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-9)
    cubed = mann_whitney([x**3 for x in a], [x**3 for x in b])
    assert (cubed.u, cubed.p_value) == pytest.approx((one.u, one.p_value), rel=1e-9)


@given(samples, samples, st.integers(-20, 20))
def test_the_shift_moves_with_the_sample(a: list[float], b: list[float], by: int) -> None:
    """Adding a constant to canary adds it to estimate and bounds; bounds hold the estimate."""
    one, moved = hodges_lehmann(a, b), hodges_lehmann(a, [x + by for x in b])
    assert moved.estimate == one.estimate + by
    assert moved.lower in (one.lower + by, -math.inf)
    assert one.lower <= one.estimate <= one.upper


def test_the_shift_is_covered() -> None:
    """Exact bounds of 12 against 15 skewed values hold at least 95%, and not much more."""
    source = rng(4)
    inside = 0
    for _ in range(2000):
        found = hodges_lehmann(
            np.sort(source.lognormal(size=12)), np.sort(source.lognormal(size=15) + 0.7)
        )
        inside += found.lower <= 0.7 <= found.upper
    assert 0.94 <= inside / 2000 <= 0.97


def test_quantile_differences_are_covered() -> None:
    """P99 of 2,000 against 800 lognormal latencies: at least 95%, both directions together."""
    source = rng(5)
    truth = math.exp(0.1 + 2.3263) - math.exp(2.3263)
    inside = 0
    for _ in range(1000):
        control = np.sort(source.lognormal(0, 1, 2000))
        found = quantile_difference(control, np.sort(source.lognormal(0.1, 1, 800)), 0.99)
        assert found.lower <= found.estimate <= found.upper
        inside += found.lower <= truth <= found.upper
    assert inside / 1000 >= 0.94


@pytest.mark.parametrize("n", [500, 30_000, 5_000_000])
def test_ranks_enclose_with_the_confidence_asked_for(n: int) -> None:
    """At least 95%, and less than one observation more would give."""
    found = order_statistic_ranks(n, 0.99, 0.95)
    assert 0.95 <= found.coverage < 0.99
    assert found.lower <= 0.99 * n <= found.upper


def test_days_follow_the_scarcer_arm() -> None:
    """1,000 a day at 5%: 6,507 canary units take 131 days, control 7; the ramp decides."""
    sizes = Sizes(np.asarray(6507.0), np.asarray(6507.0))
    assert days_to_sizes(sizes, 1000, 0.05) == pytest.approx(130.14)
    assert days_to_sizes(sizes, [1000, 0, 10_000], 0.5) == pytest.approx([13.014, np.inf, 1.3014])
    assert bottleneck(days_to_sizes(sizes, [1000, 500, 10_000], 0.5)) == 1


def test_information_adds_up_over_the_ramp() -> None:
    """A day at 50% is worth more than five at 5%; the last phase goes on as long as needed."""
    variance = 0.78 * 0.22
    a_day = information_per_day(10_000, [0.05, 0.5], variance)
    assert a_day[1] / a_day[0] == pytest.approx(0.25 / 0.0475)
    ramp = [Phase(1, 0.05), Phase(2, 0.25), Phase(1, 0.5)]
    first = float(a_day[0] + 2 * information_per_day(10_000, 0.25, variance))
    assert days_to_information(first, 10_000, variance, ramp) == pytest.approx(3)
    later = days_to_information(first + 4 * a_day[1], 10_000, variance, ramp)
    assert later == pytest.approx(7)
    assert days_to_information(first, 0, variance, ramp) == math.inf
    assert days_to_information(0, 10, variance, ramp) == 0


def test_information_agrees_with_sizes_at_one_rate() -> None:
    """The days of the two roads to one test differ by the rates' unequal variances only."""
    sizes = proportions_size(0.78, 0.80)
    by_size = float(days_to_sizes(sizes, 10_000, 0.5))
    target = ((1.959964 + 0.841621) / 0.02) ** 2
    variance = (0.78 * 0.22 + 0.8 * 0.2) / 2
    by_information = days_to_information(target, 10_000, variance, [Phase(14, 0.5)])
    assert by_information == pytest.approx(by_size, rel=1e-5)


betas = st.tuples(st.floats(0.5, 3000), st.floats(0.5, 3000)).map(lambda ab: Beta(*ab))


@given(betas, betas)
def test_posterior_chances_add_up(a: Beta, b: Beta) -> None:
    """One arm is best; the losses differ by the means' difference."""
    assert probability_best([a, b]).sum() == pytest.approx(1)
    assert probability_better(a, b) + probability_better(b, a) == pytest.approx(1, abs=1e-6)
    if_canary, if_control = expected_losses(a, b)
    assert if_canary >= 0
    # Of two means, by quadrature: to a millionth of a point, at any shape.
    assert if_control - if_canary == pytest.approx(b.mean - a.mean, abs=1e-6)


def test_posterior_chances_match_simulation() -> None:
    """Four arms, 400,000 draws."""
    arms = [Beta(8, 3), Beta(80, 25), Beta(2, 1), Beta(40, 20)]
    draws = rng(6).beta([[a.alpha] for a in arms], [[a.beta] for a in arms], (4, 400_000))
    seen = np.bincount(draws.argmax(axis=0), minlength=4) / 400_000
    assert probability_best(arms) == pytest.approx(seen, abs=0.004)


shares = st.lists(st.floats(0.001, 1), min_size=1, max_size=6).map(lambda p: np.array(p) / sum(p))


@given(shares, st.floats(0, 1))
def test_floors_are_kept(p: np.ndarray, part: float) -> None:
    """Every share is at least the floor, all sum to 1, and the order stays."""
    floor = part / len(p)
    for keep in (floor_mixture, project_on_floor, clip_and_rescale):
        found = keep(p, floor)
        assert found.sum() == pytest.approx(1)
        assert found.min() >= floor - 1e-9
        assert np.all(np.diff(found[np.argsort(p)]) >= -1e-9)


def test_novelty_is_seldom_seen_where_there_is_none() -> None:
    """50,000 null tests and 50,000 with a lasting effect: flagged in at most 2.5% and 5%.

    "Less than half is left" is true of most null tests.
    """
    source = rng(7)
    for effect, most in ((0.0, 0.025), (4.0, 0.05)):
        early, late = source.normal(effect, 1, (2, 50_000))
        assert np.mean(novelty_contrast(early, 1, late, 1).novelty) <= most
    early, late = source.normal(0, 1, (2, 50_000))
    assert np.mean(np.abs(late) < 0.5 * np.abs(early)) > 0.25
    gone = novelty_contrast(source.normal(4, 1, 9999), 1, source.normal(0, 0.5, 9999), 0.25)
    assert np.mean(gone.novelty) > 0.8


def test_losses_of_posteriors_far_apart_count_the_stretch_between_them() -> None:
    """A rate surely near 1 against one surely near 0: what is given up is the whole difference."""
    for high, low in ((Beta(2_000_000, 1), Beta(1, 2_000_000)), (Beta(3e6, 2), Beta(2, 3e6))):
        if_low, if_high = expected_losses(high, low)
        assert if_low == pytest.approx(high.mean - low.mean, abs=1e-9)
        assert if_high == pytest.approx(0.0, abs=1e-12)
