"""The harm sequence's bound holds at all moments at once."""

from __future__ import annotations

import math

import numpy as np
import pytest

from canary.statistics.confidence_sequence import effect_upper_bound, mixture_radius
from canary.statistics.score_process import Score


def test_radius_solves_the_mixture_at_one_over_alpha() -> None:
    """By quadrature, the half-normal mixture of martingales is 1 / alpha at the radius."""
    v, alpha, rho = 170.0, 0.0025, 17.0
    s = mixture_radius(v, alpha, rho)
    slope = np.linspace(0, 12 / math.sqrt(rho), 200_001)
    prior = 2 * np.sqrt(rho / (2 * math.pi)) * np.exp(-rho * slope**2 / 2)
    mixture = np.trapezoid(prior * np.exp(slope * s - slope**2 * v / 2), slope)
    assert mixture == pytest.approx(1 / alpha, rel=1e-4)


def test_radius_is_crossed_no_more_often_than_alpha_at_any_time() -> None:
    """Ten thousand driftless paths, looked at 400 times each."""
    rng = np.random.default_rng(11)
    times = np.linspace(5, 2000, 400)
    steps = np.sqrt(np.diff(np.concatenate(([0.0], times))))
    bound = np.array([mixture_radius(t, 0.05, 17.0) for t in times])
    crossed = sum(
        bool((np.cumsum(rng.standard_normal(400) * steps) >= bound).any()) for _ in range(10_000)
    )
    assert crossed / 10_000 <= 0.05


def test_six_points_of_harm_are_seen_in_a_small_region() -> None:
    """At an effective 1,220 conversations an arm the bound is below 0 for six lost points."""
    w = 1220 / 2
    v = w * 0.78 * 0.22
    assert effect_upper_bound(Score(-0.085 * w, v, w, 1220, 1220), 0.0025, 17.0) < 0
    assert effect_upper_bound(Score(0.0, v, w, 1220, 1220), 0.0025, 17.0) > 0


def test_without_data_the_effect_is_unbounded() -> None:
    """No information, no claim."""
    assert effect_upper_bound(Score(0, 0, 0, 0, 0), 0.0025, 17.0) == math.inf


@pytest.mark.parametrize(("alpha", "rho", "word"), [(0, 1, "alpha"), (0.1, 0, "rho")])
def test_radius_refuses_what_it_cannot_use(alpha: float, rho: float, word: str) -> None:
    """The error names the argument."""
    with pytest.raises(ValueError, match=word):
        mixture_radius(1.0, alpha, rho)
