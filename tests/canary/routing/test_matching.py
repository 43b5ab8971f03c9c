"""The control weighted to the canary's mix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.routing.matching import matching_weight


@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.floats(1, 1e4)), min_size=1))
def test_weighted_control_has_the_canary_s_mix(strata: list[tuple[float, float]]) -> None:
    """In each stratum of n units drawn at p, n (1 - p) control units weigh what n p canary do."""
    for p, units in strata:
        assert units * (1 - p) * matching_weight(p) == pytest.approx(units * p)


@pytest.mark.parametrize("p_canary", [None, 0.0, 1.0])
def test_a_unit_without_a_counterpart_weighs_nothing(p_canary: float | None) -> None:
    """Not drawn, or never canary, or never control: nothing to compare."""
    assert matching_weight(p_canary) == 0.0
