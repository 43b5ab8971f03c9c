"""Tests and intervals of two rates, and of arms' sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from canary.statistics import (
    difference_intervals,
    exact_test,
    miettinen_nurminen,
    sample_ratio,
    srm,
    two_proportions,
)
from tests.gold.words import UNDEFINED, Inputs, Outputs, alternative, confidence, counts

__all__ = ["FUNCTIONS"]


def _test(i: Inputs) -> Outputs:
    found = two_proportions.score_test(*counts(i), continuity=bool(i.get("continuity", False)))
    p_values = {
        "two-sided": found.p_two_sided,
        "greater": found.p_greater,
        "less": found.p_less,
    }
    if not found.informative:
        return {UNDEFINED: True, "diff": found.difference, "z": None, "p_value": None}
    return {
        "diff": found.difference,
        "se_pooled": found.standard_error,
        "z": found.z,
        "p_value": p_values[alternative(i)],
        "p_value_greater": found.p_greater,
        "p_value_less": found.p_less,
    }


def _noninferiority(i: Inputs) -> Outputs:
    found = two_proportions.noninferiority_test(
        *counts(i), margin=i["margin"], direction=i.get("direction", "higher_is_better")
    )
    if not found.informative:
        return {UNDEFINED: True, "diff": found.difference, "z": None, "p_value_one_sided": None}
    return {
        "diff": found.difference,
        "se_unpooled": found.standard_error,
        "z": found.z,
        "p_value_one_sided": found.p_greater,
    }


def _interval(bounds: Callable[..., tuple[Any, Any]]) -> Callable[[Inputs], Outputs]:
    def found(i: Inputs) -> Outputs:
        lower, upper = bounds(*counts(i), confidence(i))
        return {"lower": lower, "upper": upper}

    return found


def _fisher(i: Inputs) -> Outputs:
    return {"p_value": exact_test.fisher_two_sided(*counts(i))}


def _chi_square(i: Inputs) -> Outputs:
    found = sample_ratio.chi_square_mismatch(
        i["counts"], i["expected_shares"], i.get("threshold", 0.0005)
    )
    return {
        "chi2": found.statistic,
        "df": found.df,
        "p_value": found.p_value,
        "mismatch": found.mismatch,
    }


def _multinomial(i: Inputs) -> Outputs:
    concentration = i["dirichlet_concentration"]
    value = srm.multinomial_log_e(i["counts"], i["expected_shares"], concentration)
    p_value = math.exp(-max(0.0, value))
    return {
        "log_e_value": value,
        "p_value_at_n": p_value,
        "reject": p_value <= i.get("alpha", 0.05),
    }


FUNCTIONS: dict[str, Callable[[Inputs], Outputs]] = {
    "two_proportion_ztest_pooled": _test,
    "two_proportion_noninferiority_wald": _noninferiority,
    "diff_ci_newcombe_wilson": _interval(difference_intervals.newcombe),
    "diff_ci_miettinen_nurminen": _interval(miettinen_nurminen.miettinen_nurminen),
    "diff_ci_agresti_caffo": _interval(difference_intervals.agresti_caffo),
    "diff_ci_wald_unpooled": _interval(difference_intervals.wald),
    "fisher_exact_two_sided": _fisher,
    "srm_chi_square": _chi_square,
    "srm_sequential_multinomial": _multinomial,
}
