"""The last look's p-value: the level of its own boundary."""

from __future__ import annotations

import math

import pytest

from canary.statistics.normal import upper_tail
from canary.statistics.sequential_p import sequential_p
from canary.statistics.spending import boundaries, obrien_fleming_spend
from canary.statistics.stagewise import stagewise, stagewise_p

DESIGNS = [(0.12, 0.27, 0.49, 1.0), (0.55, 0.7, 0.85, 1.0), (1.0,)]
by_design = pytest.mark.parametrize("information", DESIGNS)


def spend(information: tuple[float, ...], level: float) -> list[float]:
    return [*(float(obrien_fleming_spend(t, level)) for t in information[:-1]), level]


def p_of(information: tuple[float, ...], z: float) -> float:
    return sequential_p(information, z, lambda level: spend(information, level))


@by_design
@pytest.mark.parametrize("level", [0.3, 0.025, 0.000134, 1e-8])
def test_the_last_bound_of_a_level_has_that_level_as_its_p_value(
    information: tuple[float, ...], level: float
) -> None:
    """So p <= level and z >= bound are one thing, at any level."""
    bound = boundaries(information, spend(information, level))[-1]
    assert p_of(information, bound) == pytest.approx(level, rel=1e-4)


@by_design
def test_it_falls_with_z_and_is_never_below_the_p_value_of_a_single_look(
    information: tuple[float, ...],
) -> None:
    """Looks before it cost something, the less the larger z."""
    found = [p_of(information, z) for z in (-1.0, 0.0, 0.5, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 40.0)]
    assert found == sorted(found, reverse=True)
    single = [float(upper_tail(z)) for z in (2.0, 4.0)]
    assert found[4] >= single[0] * (1 - 1e-6)
    assert found[6] == pytest.approx(single[1], rel=0.1)
    assert found[-1] < 1e-300


def test_one_look_is_a_plain_test() -> None:
    """Nothing was spent before."""
    assert p_of((1.0,), 1.96) == pytest.approx(0.0249979, rel=1e-5)


def test_the_upper_stage_wise_p_value_is_the_one_of_full_inference() -> None:
    """For bounds on one side, to nine digits; unlike it, never below what was spent before."""
    information, bounds = (0.12, 0.27, 0.49, 1.0), (6.36, 4.17, 3.01, 1.97)
    for z in (-1.0, 0.5, 1.97, 4.0):
        known = stagewise(information, bounds, z, two_sided=False)
        assert stagewise_p(information, bounds, z) == pytest.approx(known.p_greater, abs=1e-9)
    assert stagewise_p(information, bounds, 30.0) > 0.001
    assert p_of(information, 30.0) < 1e-100


@pytest.mark.parametrize("z", [math.nan, math.inf])
def test_a_z_that_is_no_number_is_refused(z: float) -> None:
    """By name."""
    with pytest.raises(ValueError, match="z"):
        p_of((0.5, 1.0), z)
