"""Intervals against published values, and at their edges."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.statistics.intervals import (
    Interval,
    difference,
    newcombe,
    normal,
    one_sided_z,
    ratio,
    wilson,
)

Z95 = 1.959963984540054


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((48, 80, 56, 70), (0.052431472402364815, 0.3338726540369059)),
        ((0, 29, 5, 56), (-0.03813714790353688, 0.1925600138551116)),
        ((7800, 10000, 412, 500), (0.007300866912337008, 0.07595061929346843)),
    ],
)
def test_newcombe_matches_method_10(
    counts: tuple[float, float, float, float], expected: tuple[float, float]
) -> None:
    """Newcombe 1998, table II; checked with R DescTools BinomDiffCI(method = "score")."""
    found = newcombe(*counts, Z95)
    assert (found.lower, found.upper) == pytest.approx(expected, abs=1e-9)


def test_wilson_matches_its_closed_form_at_zero_events() -> None:
    """With no event the upper bound is z^2 / (n + z^2)."""
    found = wilson(0, 10, Z95)
    assert found.lower == 0
    assert found.upper == pytest.approx(Z95**2 / (10 + Z95**2))


def test_wilson_without_data_knows_nothing() -> None:
    """An empty arm spans all rates."""
    assert (wilson(0, 0, 3.09).lower, wilson(0, 0, 3.09).upper) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("x", "n", "word"), [(11, 10, "x"), (-1, 10, "x"), (math.nan, 10, "x"), (0, math.inf, "n")]
)
def test_wilson_refuses_impossible_counts(x: float, n: float, word: str) -> None:
    """The error names the argument."""
    with pytest.raises(ValueError, match=f"^{word}"):
        wilson(x, n, 1.96)


@given(st.integers(0, 1000), st.integers(1, 1000), st.floats(0, 5))
def test_wilson_contains_its_estimate_and_stays_a_rate(x: int, n: int, z: float) -> None:
    """Bounds stay within 0 and 1, on both sides of the estimate."""
    found = wilson(min(x, n), n, z)
    assert 0 <= found.lower <= found.estimate + 1e-12
    assert found.estimate - 1e-12 <= found.upper <= 1


def test_one_sided_z_of_95_percent() -> None:
    """The usual quantile."""
    assert one_sided_z(0.95) == pytest.approx(1.6448536)
    with pytest.raises(ValueError, match="confidence"):
        one_sided_z(1.0)


def test_ratio_inverts_the_difference_at_its_own_bounds() -> None:
    """With normal arms the bounds are Fieller's: there canary - r * control is just significant."""
    canary, control = normal(3.3, 0.04**2, 1.645), normal(3.2, 0.02**2, 1.645)
    found = ratio(canary, control)
    for bound in (found.lower, found.upper):
        r = 1 + bound
        z = (3.3 - r * 3.2) / math.sqrt(0.04**2 + (r * 0.02) ** 2)
        assert abs(z) == pytest.approx(1.645, abs=1e-9)


def test_ratio_to_nothing_is_unknown() -> None:
    """A control of zero bounds no ratio."""
    found = ratio(Interval(0.1, 0.05, 0.2), Interval(0.0, 0.0, 0.1))
    assert math.isnan(found.estimate)
    assert (found.lower, found.upper) == (-math.inf, math.inf)


def test_difference_of_equal_arms_is_symmetric() -> None:
    """Swapping the arms mirrors the interval."""
    a, b = Interval(0.5, 0.4, 0.7), Interval(0.3, 0.25, 0.4)
    one, other = difference(a, b), difference(b, a)
    assert (one.lower, one.upper) == pytest.approx((-other.upper, -other.lower))


def test_normal_refuses_a_negative_variance() -> None:
    """The error names it."""
    with pytest.raises(ValueError, match="variance"):
        normal(0, -1, 1)
