"""Sample sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from canary.statistics import sample_size, sample_size_t
from tests.gold.words import Inputs, Outputs

__all__ = ["FUNCTIONS"]


def _sized(sizes: sample_size.Sizes) -> Outputs:
    control, canary = sizes.whole()
    return {
        "n_control_exact": sizes.control,
        "n_treatment_exact": sizes.canary,
        "n_control": control,
        "n_treatment": canary,
    }


def _design(i: Inputs, sides: int) -> dict[str, Any]:
    return {
        "alpha": i["alpha"],
        "power": i["power"],
        "sides": i.get("sides", sides),
        "allocation": i.get("allocation_ratio_treatment_over_control", 1.0),
    }


def _proportions(*, pooled: bool) -> Callable[[Inputs], Outputs]:
    def found(i: Inputs) -> Outputs:
        rates = i["p_control"], i["p_treatment"]
        return _sized(sample_size.proportions_size(*rates, pooled=pooled, **_design(i, 2)))

    return found


def _noninferior_size(sizes: Callable[..., sample_size.Sizes]) -> Callable[[Inputs], Outputs]:
    def found(i: Inputs) -> Outputs:
        direction = i.get("direction", "higher_is_better")
        rates = i["p_control"], i["p_treatment"], i["margin"]
        return _sized(sizes(*rates, direction=direction, **_design(i, 1)))

    return found


def _means_normal(i: Inputs) -> Outputs:
    deviations = i["sd_control"], i["sd_treatment"]
    return _sized(sample_size.means_size(i["delta"], *deviations, **_design(i, 2)))


def _means_t(i: Inputs) -> Outputs:
    return _sized(sample_size_t.t_size(i["delta"], i["sd"], **_design(i, 2)))


FUNCTIONS: dict[str, Callable[[Inputs], Outputs]] = {
    "sample_size_two_proportions_unpooled": _proportions(pooled=False),
    "sample_size_two_proportions_pooled": _proportions(pooled=True),
    "sample_size_noninferiority_unpooled": _noninferior_size(sample_size.noninferiority_size),
    "sample_size_noninferiority_farrington_manning": _noninferior_size(
        sample_size.farrington_manning_size
    ),
    "sample_size_two_means_normal": _means_normal,
    "sample_size_two_means_t": _means_t,
}
