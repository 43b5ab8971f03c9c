"""What must hold of tests and intervals of two rates, whatever the counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.statistics import intervals
from canary.statistics.difference_intervals import newcombe, wald, wilson
from canary.statistics.mantel_haenszel import (
    inverse_variance,
    mantel_haenszel,
    post_stratified_difference,
)
from canary.statistics.miettinen_nurminen import miettinen_nurminen
from canary.statistics.sample_size import (
    farrington_manning_size,
    noninferiority_size,
    proportions_power,
    proportions_size,
)
from canary.statistics.strata import Strata, crude_difference
from canary.statistics.two_proportions import noninferiority_test, score_test

arms = st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
rates = st.floats(0.01, 0.99)


def covered(bounds: Callable[..., Any], p0: float, n0: int, p1: float, n1: int) -> float:
    """The probability that an interval covers p1 - p0, by adding up all pairs of counts."""
    x0, x1 = np.arange(n0 + 1), np.arange(n1 + 1)
    lower, upper = bounds(x0[:, None], n0, x1[None, :], n1)
    inside = (lower <= p1 - p0) & (p1 - p0 <= upper)
    return float(pmf(n0, p0) @ inside @ pmf(n1, p1))


def pmf(n: int, p: float) -> np.ndarray:
    """The binomial probabilities of 0 to n."""
    logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(n + 1)]
    k = np.arange(n + 1)
    return np.exp(np.array(logs) + k * math.log(p) + (n - k) * math.log1p(-p))


@given(arms, arms)
def test_swapping_the_arms_turns_everything_around(a: tuple[int, int], b: tuple[int, int]) -> None:
    """z, p-values and bounds mirror each other."""
    one, other = score_test(*a, *b), score_test(*b, *a)
    assert one.z == pytest.approx(-other.z, abs=1e-12)
    assert one.p_greater == pytest.approx(other.p_less, rel=1e-9)
    for bounds in (newcombe, miettinen_nurminen, wald):
        lower, upper = bounds(*a, *b)
        assert (lower, upper) == pytest.approx([-x for x in bounds(*b, *a)[::-1]], abs=1e-7)


@given(arms, arms)
def test_counting_failures_instead_turns_the_sign(a: tuple[int, int], b: tuple[int, int]) -> None:
    """Taking n - x in place of x gives the mirrored interval."""
    failures = (a[1] - a[0], a[1], b[1] - b[0], b[1])
    for bounds in (newcombe, miettinen_nurminen):
        lower, upper = bounds(*a, *b)
        assert (lower, upper) == pytest.approx([-x for x in bounds(*failures)[::-1]], abs=1e-6)


@given(arms, arms)
def test_bounds_hold_the_estimate_and_grow_with_confidence(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    """-1 <= wider lower <= lower <= estimate <= upper <= wider upper <= 1."""
    estimate = b[0] / b[1] - a[0] / a[1]
    for bounds in (newcombe, miettinen_nurminen):
        lower, upper = bounds(*a, *b, 0.9)
        low, high = bounds(*a, *b, 0.99)
        ladder = np.array([-1, low, lower, estimate, upper, high, 1])
        assert np.all(np.diff(ladder) >= -1e-9)


@given(arms, arms, st.sampled_from([0.8, 0.95, 0.998]))
def test_scalar_and_array_forms_agree(
    a: tuple[int, int], b: tuple[int, int], confidence: float
) -> None:
    """Decisions on single counts and simulations on arrays read the same bounds."""
    z = intervals.one_sided_z((1 + confidence) / 2)
    single = intervals.newcombe(*a, *b, z)
    assert newcombe(*a, *b, confidence) == pytest.approx((single.lower, single.upper), abs=1e-12)
    one = intervals.wilson(*a, z)
    assert wilson(*a, confidence) == pytest.approx((one.lower, one.upper), abs=1e-12)


@given(arms, arms)
def test_miettinen_nurminen_agrees_with_the_score_test(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    """0 lies outside iff the pooled test refuses, but for the factor N / (N - 1)."""
    total = a[1] + b[1]
    z = float(score_test(*a, *b).z) * math.sqrt((total - 1) / total)
    lower, upper = miettinen_nurminen(*a, *b)
    if abs(abs(z) - 1.959964) > 1e-5:
        assert (lower > 0 or upper < 0) == (abs(z) > 1.959964)


def test_arrays_give_what_single_calls_give() -> None:
    """Broadcasting changes no figure."""
    source = np.random.default_rng(4)
    n0, n1 = source.integers(1, 500, (2, 60))
    x0, x1 = source.binomial(n0, 0.4), source.binomial(n1, 0.1)
    for bounds in (newcombe, miettinen_nurminen):
        together = np.array(bounds(x0, n0, x1, n1))
        singly = [bounds(*row) for row in zip(x0, n0, x1, n1, strict=True)]
        assert together == pytest.approx(np.array(singly).T, abs=1e-12)
    assert score_test(x0[:, None], n0[:, None], x1, n1).z.shape == (60, 60)


@pytest.mark.parametrize(
    ("p0", "n0", "p1", "n1", "least"),
    [
        (0.30, 1000, 0.15, 60, 0.94),
        (0.78, 1000, 0.60, 50, 0.94),
        (0.98, 1000, 0.98, 50, 0.94),
        (0.5, 40, 0.5, 40, 0.94),
    ],
)
def test_small_canaries_are_covered(p0: float, n0: int, p1: float, n1: int, least: float) -> None:
    """Newcombe and Miettinen-Nurminen keep 95% by exact enumeration."""
    assert covered(newcombe, p0, n0, p1, n1) >= least
    assert covered(miettinen_nurminen, p0, n0, p1, n1) >= least


def test_wald_collapses_near_one() -> None:
    """.98 of 50 against .98 of 1000: .635 of a nominal .95, which is why it decides nothing."""
    assert covered(wald, 0.98, 1000, 0.98, 50) == pytest.approx(0.635, abs=0.001)


def test_the_score_test_keeps_its_level() -> None:
    """At most 5.6% of null pairs refused, by exact enumeration, at uneven arms."""
    x0, x1 = np.arange(801), np.arange(101)
    refused = score_test(x0[:, None], 800, x1, 100).p_two_sided < 0.05
    for p in (0.2, 0.5, 0.78):
        assert 0.04 < float(pmf(800, p) @ refused @ pmf(100, p)) < 0.056


@given(arms, arms, st.floats(0, 0.2))
def test_noninferiority_turns_with_the_direction(
    a: tuple[int, int], b: tuple[int, int], margin: float
) -> None:
    """Fewer errors is as good as more completions, and a wider margin never proves less."""
    up = noninferiority_test(*a, *b, margin=margin)
    failures = (a[1] - a[0], a[1], b[1] - b[0], b[1])
    down = noninferiority_test(*failures, margin=margin, direction="lower_is_better")
    assert up.z == pytest.approx(down.z, abs=1e-6, rel=1e-6)
    wider = noninferiority_test(*a, *b, margin=margin + 0.1)
    assert wider.p_greater <= up.p_greater


@given(rates, rates, st.floats(0.02, 50), st.sampled_from([1, 2]))
def test_sizes_reach_their_power(p0: float, p1: float, allocation: float, sides: int) -> None:
    """The planned size has the planned power in the planned test."""
    if abs(p0 - p1) < 1e-3:
        return
    sizes = proportions_size(p0, p1, power=0.9, allocation=allocation, sides=sides)  # type: ignore[arg-type]
    power = proportions_power(p0, p1, sizes.control, sizes.canary, sides=sides)  # type: ignore[arg-type]
    assert power == pytest.approx(0.9, abs=1e-9)
    assert sizes.canary == pytest.approx(sizes.control * allocation)


@given(rates, st.floats(0.005, 0.2), st.floats(0.05, 20))
def test_sizes_fall_with_margin_and_rise_with_power(
    p: float, margin: float, allocation: float
) -> None:
    """Monotone in what is asked, for Wald and for Farrington-Manning."""
    for size in (noninferiority_size, farrington_manning_size):
        base = size(p, p, margin, allocation=allocation).control
        assert size(p, p, margin * 1.5, allocation=allocation).control < base
        assert size(p, p, margin, allocation=allocation, power=0.9).control > base
        up = size(p, p, margin, allocation=allocation)
        down = size(1 - p, 1 - p, margin, allocation=allocation, direction="lower_is_better")
        assert down.control == pytest.approx(up.control, rel=1e-6)


strata = st.lists(st.tuples(arms, arms), min_size=1, max_size=6)


@given(strata)
def test_one_stratum_is_the_plain_difference(rows: list[Any]) -> None:
    """Each way of combining leaves a single stratum as it is."""
    (x0, n0), (x1, n1) = rows[0]
    given_strata = Strata([x0], [n0], [x1], [n1])
    plain = pytest.approx(x1 / n1 - x0 / n0, abs=1e-12)
    assert mantel_haenszel(given_strata).difference == plain
    assert post_stratified_difference(given_strata).difference == plain
    assert crude_difference(given_strata) == plain


@given(strata)
def test_combining_keeps_within_the_strata_and_mirrors(rows: list[Any]) -> None:
    """Between the least and the largest difference; swapping arms turns the sign."""
    cells = np.array([(*a, *b) for a, b in rows], dtype=float).T
    found = mantel_haenszel(Strata(*cells))
    each = cells[2] / cells[3] - cells[0] / cells[1]
    assert each.min() - 1e-12 <= found.difference <= each.max() + 1e-12
    swapped = mantel_haenszel(Strata(cells[2], cells[3], cells[0], cells[1]))
    assert swapped.difference == pytest.approx(-found.difference, abs=1e-12)
    assert swapped.standard_error == pytest.approx(found.standard_error, rel=1e-6, abs=1e-12)


def test_strata_cover_under_a_ramp_where_the_crude_difference_fails() -> None:
    """Simpson: three ramp periods, two intents, rates and shares moving together, 4,000 releases.

    95% intervals of the stratified difference cover within Monte Carlo error; the crude one's
    do not.
    """
    source = np.random.default_rng(17)
    releases, effect = 4000, 0.01
    volume = np.array([3000, 1500, 5000, 1000, 6000, 4000])
    share = np.array([0.05, 0.25, 0.25, 0.25, 0.5, 0.5])
    rate = np.array([0.55, 0.8, 0.7, 0.85, 0.8, 0.9])
    n1 = source.binomial(volume, share, (releases, 6))
    n0 = volume - n1
    given_strata = Strata(source.binomial(n0, rate), n0, source.binomial(n1, rate + effect), n1)
    error = 3 * math.sqrt(0.95 * 0.05 / releases)
    for combine in (mantel_haenszel, post_stratified_difference, inverse_variance):
        found = combine(given_strata)
        inside = np.mean((found.lower <= effect) & (effect <= found.upper))
        assert inside == pytest.approx(0.95, abs=error)
    totals = [cell.sum(axis=-1) for cell in given_strata.cells]
    lower, upper = newcombe(*totals)
    assert np.mean((lower <= effect) & (effect <= upper)) < 0.1
