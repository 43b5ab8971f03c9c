"""Ratios clustered by unit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from canary.statistics import clustered_ratio
from tests.gold.words import UNDEFINED, Inputs, Outputs, confidence

__all__ = ["FUNCTIONS"]


def _unit_sums(i: Inputs, numerator: str, denominator: str) -> clustered_ratio.UnitSums:
    y, n = (np.asarray(i[name], dtype=np.float64) for name in (numerator, denominator))
    if y.ndim != 1 or y.shape != n.shape:
        raise ValueError(f"{numerator}: needs as many values as {denominator}")
    if np.any(n < 0):
        raise ValueError(f"{denominator}: {n.min()} is negative")
    return clustered_ratio.UnitSums(
        len(n), n.sum(), y.sum(), (n * n).sum(), (n * y).sum(), (y * y).sum()
    )


def _ratio(i: Inputs) -> Outputs:
    sums = _unit_sums(i, "numerator_per_user", "denominator_per_user")
    found = clustered_ratio.clustered_ratio(sums)
    return {"ratio": found.ratio, "se": found.standard_error}


def _ratio_difference(i: Inputs) -> Outputs:
    control, canary = (
        _unit_sums(i, f"numerator_{arm}", f"denominator_{arm}") for arm in ("control", "treatment")
    )
    found = clustered_ratio.clustered_difference(control, canary, confidence(i))
    if found.standard_error == 0:
        return {UNDEFINED: True, "diff": found.difference, "z": None, "p_value": None}
    return {
        "diff": found.difference,
        "se": found.standard_error,
        "z": found.z,
        "p_value": found.p_two_sided,
        "lower": found.lower,
        "upper": found.upper,
    }


FUNCTIONS: dict[str, Callable[[Inputs], Outputs]] = {
    "delta_method_ratio": _ratio,
    "delta_method_ratio_difference": _ratio_difference,
}
