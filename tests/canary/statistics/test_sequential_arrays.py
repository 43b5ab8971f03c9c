"""The array forms of always-valid bounds are the ones decisions read."""

from __future__ import annotations

import numpy as np
import pytest

from canary.statistics.confidence_sequence import mixture_radius
from canary.statistics.sequential_arrays import mismatch_p_values, mixture_radii
from canary.statistics.srm import mismatch_p_value


def test_radii_are_those_of_single_releases() -> None:
    """From no variance to a million times the tuned one, at several alphas."""
    v = np.array([0.0, 1e-6, 1.0, 300.0, 1e9])
    for alpha in (1e-12, 0.0025, 0.05, 0.4, 0.9):
        singly = [mixture_radius(float(x), alpha, 1000.0) for x in v]
        assert mixture_radii(v, alpha, 1000.0) == pytest.approx(np.array(singly), rel=1e-9)


def test_mismatch_p_values_are_those_of_single_releases() -> None:
    """Ramps of three rates, one of them without draws, one of 0."""
    source = np.random.default_rng(2)
    rate = np.array([0.0, 0.05, 0.25, 0.5])
    total = np.array([100, 2000, 0, 5000])
    canary = source.binomial(total, np.minimum(1.1 * rate, 1), (50, 4))
    found = mismatch_p_values(rate, total - canary, canary)
    for p_value, row in zip(found, canary, strict=True):
        draws = zip(rate, total - row, row, strict=True)
        single = mismatch_p_value((float(p), int(a), int(b)) for p, a, b in draws)
        assert p_value == pytest.approx(single, rel=1e-9)
    assert mismatch_p_values([0.5], [0], [0]) == 1.0


def test_impossible_arguments_are_named() -> None:
    """As everywhere."""
    with pytest.raises(ValueError, match=r"^v: -1\.0 is negative"):
        mixture_radii(-1, 0.05, 1)
    with pytest.raises(ValueError, match=r"^p_canary: .* is outside 0 to 1"):
        mismatch_p_values([1.5], [1], [1])
    with pytest.raises(ValueError, match=r"^n_canary: nan is not"):
        mismatch_p_values([0.5], [1], [np.nan])
