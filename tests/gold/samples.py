"""Means, ranks and quantiles of two samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from canary.statistics import means, quantile_difference, ranks
from tests.gold.words import UNDEFINED, Inputs, Outputs, alternative, confidence

__all__ = ["FUNCTIONS"]


def _welch(i: Inputs) -> Outputs:
    arms = []
    for arm in ("control", "treatment"):
        deviation = float(i[f"sd_{arm}"])
        if deviation < 0:
            raise ValueError(f"sd_{arm}: {deviation} is negative")
        arms.append(means.Moments(i[f"n_{arm}"], i[f"mean_{arm}"], deviation**2))
    found = means.welch(arms[0], arms[1], confidence(i))
    if not found.informative:
        return {UNDEFINED: True, "diff": found.difference, "t": None, "p_value": None}
    return {
        "diff": found.difference,
        "t": found.t,
        "df": found.df,
        "p_value": found.p_two_sided,
        "lower": found.lower,
        "upper": found.upper,
    }


def _paired(i: Inputs, arm: str) -> means.PairedMoments:
    x, y = (np.asarray(i[f"{axis}_{arm}"], dtype=np.float64) for axis in "xy")
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2:
        raise ValueError(f"x_{arm}: needs as many values as y_{arm}, at least two")
    table = np.cov(x, y)
    return means.PairedMoments(len(x), x.mean(), y.mean(), table[0, 0], table[1, 1], table[0, 1])


def _cuped(i: Inputs) -> Outputs:
    control, canary = _paired(i, "control"), _paired(i, "treatment")
    found = means.cuped(control, canary, confidence(i))
    return {
        "theta": found.theta,
        "adjusted_mean_control": found.mean_control,
        "adjusted_mean_treatment": found.mean_canary,
        "diff": found.test.difference,
        "se": found.test.standard_error,
        "welch_t": found.test.t,
        "welch_df": found.test.df,
        "p_value": found.test.p_two_sided,
        "unadjusted_diff": float(canary.mean_y) - float(control.mean_y),  # type: ignore[arg-type]
        "variance_ratio_pooled": found.variance_ratio,
    }


def _samples(i: Inputs) -> tuple[list[float], list[float]]:
    return sorted(i["control"]), sorted(i["treatment"])


def _mann_whitney(i: Inputs) -> Outputs:
    found = ranks.mann_whitney(*_samples(i), alternative(i))
    if not found.informative:
        return {UNDEFINED: True, "u_treatment": found.u, "p_value": None}
    exact = {} if found.p_exact is None else {"p_value_exact": found.p_exact}
    return {
        "u_treatment": found.u,
        "p_value_asymptotic_continuity": found.p_value_continuity,
        "p_value_asymptotic_no_continuity": found.p_value,
        "effect_prob_superiority": found.superiority,
        **exact,
    }


def _shift(i: Inputs) -> Outputs:
    method = i.get("method", "exact")
    found = ranks.hodges_lehmann(*_samples(i), confidence(i), method)
    return {"estimate": found.estimate, "lower": found.lower, "upper": found.upper}


def _quantile(i: Inputs) -> Outputs:
    kinds = ("type1_inverted_cdf", "type6_weibull", "type7_linear", "type8")
    sample = sorted(i["x"])
    return {kind: quantile_difference.sample_quantile(sample, i["q"], kind) for kind in kinds}


def _ranks(i: Inputs) -> Outputs:
    found = quantile_difference.order_statistic_ranks(i["n"], i["q"], confidence(i))
    return {
        "lower_rank_1based": found.lower,
        "upper_rank_1based": found.upper,
        "coverage": found.coverage,
    }


FUNCTIONS: dict[str, Callable[[Inputs], Outputs]] = {
    "welch_t_test": _welch,
    "cuped": _cuped,
    "mann_whitney_u": _mann_whitney,
    "hodges_lehmann_shift_ci": _shift,
    "quantile": _quantile,
    "quantile_ci_order_statistic_ranks": _ranks,
}
