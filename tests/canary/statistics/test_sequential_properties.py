"""Spending, stopping, always-valid bounds and mismatch: error rates over whole tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.statistics.always_valid import (
    asymptotic_radius,
    mixture_sprt,
    rate_difference_sequence,
    tightest_rho,
    tightest_rho_approximate,
)
from canary.statistics.classic_designs import classic_design
from canary.statistics.group_sequential import crossing_probabilities, looks
from canary.statistics.sample_ratio import (
    chi_square_mismatch,
    expected_shares,
    ramp_mismatch,
)
from canary.statistics.spending import (
    boundaries,
    hwang_shih_decani_spend,
    kim_demets_spend,
    obrien_fleming_spend,
    pocock_spend,
)
from canary.statistics.srm import mismatch_p_value
from canary.statistics.stagewise import repeated_interval, stagewise

SPENDS = [obrien_fleming_spend, pocock_spend, kim_demets_spend, hwang_shih_decani_spend]
TIMES = [0.12, 0.27, 0.49, 1.0]

times = st.lists(st.floats(0.02, 1.0), min_size=1, max_size=5, unique=True).map(sorted)


@pytest.mark.parametrize("spend", SPENDS)
@given(st.floats(0.01, 0.99), st.floats(0.001, 0.2))
def test_spending_rises_from_nothing_to_all(spend: object, t: float, alpha: float) -> None:
    """Never more than alpha, never less than before; everything at t = 1 and beyond."""
    before, now = spend(t / 2, alpha), spend(t, alpha)  # type: ignore[operator]
    assert 0 <= before <= now <= alpha
    assert spend(1, alpha) == spend(1.7, alpha) == alpha  # type: ignore[operator]
    assert spend(1e-9, alpha) < alpha / 1000  # type: ignore[operator]


@pytest.mark.parametrize("spend", SPENDS)
@pytest.mark.parametrize("two_sided", [True, False])
@given(times)
def test_boundaries_spend_what_they_were_given(
    spend: object, two_sided: bool, information: list[float]
) -> None:
    """The crossing probabilities of the bounds, computed back, add up to the alpha spent."""
    spaced = looks(information)
    spent = [spend(t, 0.025) for t in spaced]  # type: ignore[operator]
    bounds = boundaries(spaced, spent, two_sided=two_sided)
    lower = [-bound for bound in bounds] if two_sided else None
    above, below = crossing_probabilities(spaced, bounds, lower)
    assert np.cumsum(above) == pytest.approx(np.array(spent), abs=1e-9)
    assert sum(below) == pytest.approx(sum(above) if two_sided else 0.0, abs=1e-9)


@given(times)
def test_information_has_no_unit(information: list[float]) -> None:
    """Fractions or raw variances give the same bounds."""
    spent = [pocock_spend(t, 0.025) for t in information]
    raw = [20_000 * t for t in information]
    assert boundaries(raw, spent) == pytest.approx(boundaries(information, spent), rel=1e-9)


def test_looks_that_all_but_coincide_have_their_bounds() -> None:
    """A second look a moment later spends its alpha; nothing breaks, and the end hardly moves."""
    close = boundaries([0.5, 0.500001, 1.0], [0.001, 0.0012, 0.025])
    apart = boundaries([0.5, 1.0], [0.0012, 0.025])
    assert all(math.isfinite(bound) for bound in close)
    assert close[-1] == pytest.approx(apart[-1], abs=2e-3)


def test_bounds_far_out_are_exact() -> None:
    """At a hundredth of the information O'Brien and Fleming ask for 22 standard deviations."""
    alpha = obrien_fleming_spend(0.01, 0.025)
    bound = boundaries([0.01, 1.0], [alpha, 0.025])[0]
    assert 0.5 * math.erfc(bound / math.sqrt(2)) == pytest.approx(alpha, rel=1e-6)


@pytest.mark.parametrize(
    ("looks_planned", "design", "constant"),
    [
        (2, "pocock", 2.178),
        (10, "pocock", 2.555),
        (2, "obrien_fleming", 1.977),
        (10, "obrien_fleming", 2.087),
    ],
)
def test_classic_constants_match_the_tables(
    looks_planned: int, design: str, constant: float
) -> None:
    """Jennison and Turnbull 2000, tables 2.1 and 2.3."""
    found = classic_design(looks_planned, design, power=0.8)  # type: ignore[arg-type]
    assert found.constant == pytest.approx(constant, abs=6e-4)
    assert found.expected_under_h1 < 1 < found.inflation


def paths(theta: float, releases: int, seed: int) -> np.ndarray:
    """Z at each look of many tests with this drift."""
    source = np.random.default_rng(seed)
    steps = np.diff([0.0, *TIMES])
    moves = source.normal(theta * steps, np.sqrt(steps), (releases, len(TIMES)))
    return np.cumsum(moves, axis=1) / np.sqrt(TIMES)


def test_inference_after_stopping_is_honest() -> None:
    """1,200 tests with a true drift: 95% intervals cover, half the estimates lie above.

    The naive estimate of those that stopped early lies above far more often.
    """
    theta, releases = 2.5, 1200
    bounds = boundaries(TIMES, [pocock_spend(t, 0.025) for t in TIMES], two_sided=True)
    inside = above = naive_above = 0
    for z in paths(theta, releases, seed=6):
        out = np.flatnonzero(np.abs(z) >= bounds)
        stop = int(out[0]) if len(out) else len(TIMES) - 1
        found = stagewise(TIMES[: stop + 1], bounds[: stop + 1], z[stop])
        assert found.lower <= found.estimate <= found.upper
        inside += found.lower <= theta <= found.upper
        above += found.estimate > theta
        naive_above += found.naive > theta
    assert inside / releases == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / releases))
    assert above / releases == pytest.approx(0.5, abs=3 * 0.5 / math.sqrt(releases))
    assert naive_above / releases > 0.55


def test_p_values_after_stopping_are_uniform_under_the_null() -> None:
    """1,500 tests without effect, stopped by Pocock's bounds: 5% below .05, half below .5."""
    bounds = boundaries(TIMES, [pocock_spend(t, 0.025) for t in TIMES], two_sided=True)
    found = []
    for z in paths(0.0, 1500, seed=7):
        out = np.flatnonzero(np.abs(z) >= bounds)
        stop = int(out[0]) if len(out) else len(TIMES) - 1
        found.append(stagewise(TIMES[: stop + 1], bounds[: stop + 1], z[stop]).p_two_sided)
    for level in (0.05, 0.5):
        error = 3 * math.sqrt(level * (1 - level) / 1500)
        assert np.mean(np.array(found) <= level) == pytest.approx(level, abs=error)


@given(st.floats(-6, 6), st.sampled_from([1, 2, 3]))
def test_stagewise_mirrors_and_rises(z: float, stage: int) -> None:
    """-z gives the mirrored answer; a larger z a larger estimate and a smaller p."""
    bounds = [3.0, 2.5, 2.2]
    one = stagewise(TIMES[:stage], bounds[:stage], z)
    other = stagewise(TIMES[:stage], bounds[:stage], -z)
    assert one.estimate == pytest.approx(-other.estimate, abs=1e-6)
    assert (one.lower, one.upper) == pytest.approx((-other.upper, -other.lower), abs=1e-6)
    more = stagewise(TIMES[:stage], bounds[:stage], z + 0.1)
    assert more.estimate > one.estimate
    assert more.p_greater <= one.p_greater + 1e-12


def test_one_look_is_the_fixed_test() -> None:
    """Without an earlier look nothing is to be adjusted."""
    found = stagewise([1.0], [1.96], 2.0)
    assert found.estimate == pytest.approx(2.0, abs=1e-9)
    assert (found.lower, found.upper) == pytest.approx((0.040036, 3.959964), abs=1e-6)
    assert found.p_two_sided == pytest.approx(0.0455002638963584, rel=1e-9)
    assert repeated_interval(0.02, 0.01, 2.0) == (0.0, 0.04)


@given(st.floats(1, 1e6), st.floats(1e-6, 0.5))
def test_the_tightest_rho_is_tightest(t: float, alpha: float) -> None:
    """No other rho gives a smaller radius then; the approximation is near."""
    rho = float(tightest_rho(t, alpha))
    best = asymptotic_radius(t, 1.0, rho, alpha)
    for other in (0.8 * rho, 1.25 * rho):
        assert asymptotic_radius(t, 1.0, other, alpha) > best
    assert tightest_rho_approximate(t, alpha) == pytest.approx(rho, rel=0.1)


def test_always_valid_bounds_hold_at_every_look() -> None:
    """800 null tests read 200 times: the sequence and the mixture test refuse at most 5%.

    A z-test read as often refuses far more.
    """
    source = np.random.default_rng(8)
    a_look, p = 50, 0.78
    x0, x1 = (source.binomial(a_look, p, (800, 200)).cumsum(axis=1) for _ in range(2))
    n = a_look * np.arange(1, 201)
    lower, upper = rate_difference_sequence(x0, n, x1, n, rho=float(tightest_rho(5000)))
    assert np.mean(np.any((lower > 0) | (upper < 0), axis=1)) <= 0.05
    variance = 2 * p * (1 - p)
    tested = mixture_sprt((x1 - x0) / n, variance, n, 1e-3)
    assert np.mean(np.any(tested.reject, axis=1)) <= 0.05
    peeked = np.abs((x1 - x0) / n) > 1.96 * np.sqrt(variance / n)
    assert np.mean(np.any(peeked, axis=1)) > 0.3


def test_a_ramp_is_no_mismatch() -> None:
    """Counts that follow the rates in force are as asked; held to one share they are not."""
    source = np.random.default_rng(9)
    rate, total = np.array([0.05, 0.25, 0.5]), np.array([20_000, 30_000, 50_000])
    canary = source.binomial(total, rate, (4000, 3))
    found = ramp_mismatch(rate, total - canary, canary, threshold=0.01)
    assert np.mean(found.mismatch) == pytest.approx(0.01, abs=0.005)
    shares = expected_shares(list(zip(total, rate, strict=True)))
    assert shares[1] == pytest.approx((0.05 * 2 + 0.25 * 3 + 0.5 * 5) / 10)
    both = [int((total - canary)[0].sum()), int(canary[0].sum())]
    assert chi_square_mismatch(both, [0.95, 0.05]).mismatch
    draws = zip(rate, (total - canary)[0], canary[0], strict=True)
    assert mismatch_p_value((float(p), int(a), int(b)) for p, a, b in draws) > 0.0005


def test_a_lost_tenth_of_the_canary_is_a_mismatch() -> None:
    """Fixed and sequential both see it under a ramp."""
    rate, total = np.array([0.05, 0.25]), np.array([40_000, 60_000])
    canary = (0.9 * rate * total).astype(int)
    control = total - (rate * total).astype(int)
    assert ramp_mismatch(rate, control, canary).mismatch
    draws = zip(rate, control, canary, strict=True)
    assert mismatch_p_value((float(p), int(a), int(b)) for p, a, b in draws) < 0.0005
