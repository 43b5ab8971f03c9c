"""One door from the gold vectors' words to `canary.statistics`: `evaluate(function, inputs)`.

Undefined cases raise `ValueError` or answer {"error_or_inconclusive": True}. The vectors call the
canary "treatment", put NaN as a string, and name arguments as their sources do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from canary.statistics import (
    always_valid,
    beta_bernoulli,
    classic_designs,
    clustered_ratio,
    composite,
    difference_intervals,
    exact_test,
    exploration,
    heterogeneity,
    linear_bandit,
    mantel_haenszel,
    means,
    miettinen_nurminen,
    multiplicity,
    novelty,
    odds,
    online_fdr,
    quantile_difference,
    ranks,
    sample_ratio,
    sample_size,
    sample_size_t,
    spending,
    srm,
    stagewise,
    strata,
    two_proportions,
)

Inputs = dict[str, Any]
Outputs = dict[str, Any]

UNDEFINED = "error_or_inconclusive"
_NUMBERS = {"nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf}
_ALTERNATIVES = {
    "two_sided": "two-sided",
    "two.sided": "two-sided",
    "larger": "greater",
    "smaller": "less",
}


def evaluate(function: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs of one gold function, as plain JSON values; never a NaN or an infinity.

    Raises `ValueError` for an unknown function, a missing or impossible input.
    """
    if function not in _FUNCTIONS:
        raise ValueError(f"function: {function!r} is none of {', '.join(sorted(_FUNCTIONS))}")
    try:
        # Every NaN would come with a warning; what is undefined is found below.
        with np.errstate(all="ignore"):
            found = _plain(_FUNCTIONS[function](_numbers(inputs)))
    except KeyError as problem:
        raise ValueError(f"{problem.args[0]}: is missing") from problem
    except (TypeError, AttributeError, ArithmeticError, IndexError) as problem:
        raise ValueError(f"inputs: {problem}") from problem
    clean = _without_infinities(found)
    return clean if clean == found else {**clean, UNDEFINED: True}


def _counts(i: Inputs) -> tuple[Any, Any, Any, Any]:
    return i["x_control"], i["n_control"], i["x_treatment"], i["n_treatment"]


def _confidence(i: Inputs) -> float:
    return i.get("confidence", 0.95)


def _alternative(i: Inputs) -> Any:
    given = i.get("alternative", "two-sided")
    return _ALTERNATIVES.get(given, given)


def _test(i: Inputs) -> Outputs:
    found = two_proportions.score_test(*_counts(i), continuity=bool(i.get("continuity", False)))
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
        "p_value": p_values[_alternative(i)],
        "p_value_greater": found.p_greater,
        "p_value_less": found.p_less,
    }


def _noninferiority(i: Inputs) -> Outputs:
    found = two_proportions.noninferiority_test(
        *_counts(i), margin=i["margin"], direction=i.get("direction", "higher_is_better")
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
        lower, upper = bounds(*_counts(i), _confidence(i))
        return {"lower": lower, "upper": upper}

    return found


def _fisher(i: Inputs) -> Outputs:
    return {"p_value": exact_test.fisher_two_sided(*_counts(i))}


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


def _welch(i: Inputs) -> Outputs:
    arms = []
    for arm in ("control", "treatment"):
        deviation = float(i[f"sd_{arm}"])
        if deviation < 0:
            raise ValueError(f"sd_{arm}: {deviation} is negative")
        arms.append(means.Moments(i[f"n_{arm}"], i[f"mean_{arm}"], deviation**2))
    found = means.welch(arms[0], arms[1], _confidence(i))
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
    found = means.cuped(control, canary, _confidence(i))
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


def _spend(i: Inputs) -> Callable[[float, float], float]:
    """The spending function by the vectors' name, its parameter in brackets or beside it."""
    words = str(i["spending"]).lower()
    number = re.search(r"[=(]\s*(-?[\d.]+(?:e-?\d+)?)\s*\)", words)
    beside = next((i[key] for key in ("rho", "gamma", "phi", "parameter") if key in i), None)
    given = (
        {}
        if number is None and beside is None
        else {
            "by": float(number.group(1) if number else beside)  # type: ignore[arg-type]
        }
    )
    name = re.split(r"[(:\s]", words)[0]
    if name in ("obrien_fleming_type", "obrien_fleming", "of"):
        return spending.obrien_fleming_spend
    if name in ("pocock_type", "pocock"):
        return spending.pocock_spend
    if name.startswith(("kim_demets", "power")):
        rho = given.get("by", 3.0)
        return lambda t, alpha: spending.kim_demets_spend(t, alpha, rho)
    if name.startswith(("hwang", "hsd")):
        gamma = given.get("by", -4.0)
        return lambda t, alpha: spending.hwang_shih_decani_spend(t, alpha, gamma)
    raise ValueError(f"spending: {words!r} is unknown")


def _spent_by_side(i: Inputs) -> list[float]:
    spend, sides, alpha = _spend(i), _sides(i), float(i["alpha"])
    fractions = i["information_fractions"]
    if "ALTERNATIVE" in str(i.get("convention", "")):
        return [spend(t, alpha) / sides for t in fractions]
    return [spend(t, alpha / sides) for t in fractions]


def _sides(i: Inputs) -> int:
    sides = i.get("sides", 2)
    if sides not in (1, 2):
        raise ValueError(f"sides: {sides!r} is neither 1 nor 2")
    return int(sides)


def _bounds(i: Inputs) -> Outputs:
    spent = _spent_by_side(i)
    two_sided = _sides(i) == 2
    z = spending.boundaries(i["information_fractions"], spent, two_sided=two_sided)
    nominal = [0.5 * math.erfc(bound / math.sqrt(2)) for bound in z]
    if two_sided:
        return {
            "z": z,
            "nominal_p_two_sided": [2 * p for p in nominal],
            "cumulative_alpha_two_sided": [2 * share for share in spent],
        }
    return {"z": z, "nominal_p_one_sided": nominal, "cumulative_alpha": spent}


def _spending_function(i: Inputs) -> Outputs:
    spend = _spend(i)
    times = i["t"]
    if not isinstance(times, Sequence):
        return {"spent": spend(times, i["alpha"])}
    return {"spent": [spend(t, i["alpha"]) for t in times]}


def _classic(i: Inputs) -> Outputs:
    if i.get("spacing", "equal") != "equal":
        raise ValueError(f"spacing: {i['spacing']!r} is not equal")
    found = classic_designs.classic_design(
        i["looks"], i["design"], alpha=i["alpha"], power=i.get("power", 0.8), sides=_sides(i)
    )
    return {
        "constant": found.constant,
        "z": found.bounds,
        "inflation_factor": found.inflation,
        "expected_info_H1_over_fixed": found.expected_under_h1,
        "expected_info_H0_over_fixed": found.expected_under_h0,
    }


def _adjusted(adjust: Callable[[Any], Any]) -> Callable[[Inputs], Outputs]:
    def found(i: Inputs) -> Outputs:
        adjusted = adjust(i["p_values"])
        rejected = multiplicity.rejected(adjusted, i.get("q", i.get("alpha", 0.05)))
        return {
            "p_adjusted": adjusted,
            "rejected": rejected,
            "n_rejected": int(rejected.sum()),
        }

    return found


def _online(levels: online_fdr.OnlineLevels) -> Outputs:
    return {
        "alpha_levels": levels.levels,
        "rejected": levels.rejected,
        "n_rejected": sum(levels.rejected),
        "next_alpha_level": levels.next_level,
    }


def _given(i: Inputs, **names: str) -> dict[str, Any]:
    return {ours: i[theirs] for ours, theirs in names.items() if i.get(theirs) is not None}


def _lord(i: Inputs) -> Outputs:
    given = _given(i, alpha="alpha", w0="w0", gamma="gamma")
    return _online(online_fdr.lord_plus_plus(i["p_values"], **given))


def _saffron(i: Inputs) -> Outputs:
    given = _given(i, alpha="alpha", w0="w0", gamma="gamma", candidate="lambda")
    return _online(online_fdr.saffron(i["p_values"], **given))


def _addis(i: Inputs) -> Outputs:
    names = {"alpha": "alpha", "w0": "w0", "gamma": "gamma", "candidate": "lambda"}
    given = _given(i, **names, discard="tau")
    return _online(online_fdr.addis(i["p_values"], **given))


def _lond(i: Inputs) -> Outputs:
    return _online(online_fdr.lond(i["p_values"], **_given(i, alpha="alpha", beta="beta")))


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


def _msprt(i: Inputs) -> Outputs:
    found = always_valid.mixture_sprt(
        i["diff"],
        i["variance_per_pair"],
        i["n_per_arm"],
        i["tau2"],
        theta0=i.get("theta0", 0.0),
        alpha=i.get("alpha", 0.05),
    )
    return {"log_lambda": found.log_ratio, "p_value": found.p_value, "reject": found.reject}


def _radius(i: Inputs) -> Outputs:
    alpha = i.get("alpha", 0.05)
    return {"radius": always_valid.asymptotic_radius(i["t"], i["sigma"], i["rho"], alpha)}


def _rho(i: Inputs) -> Outputs:
    t, alpha = i["t_opt"], i.get("alpha", 0.05)
    return {
        "rho_exact": always_valid.tightest_rho(t, alpha),
        "rho_approx": always_valid.tightest_rho_approximate(t, alpha),
    }


def _sequence(i: Inputs) -> Outputs:
    lower, upper = always_valid.rate_difference_sequence(
        *_counts(i), rho=i["rho"], alpha=i.get("alpha", 0.05)
    )
    rates = i["x_control"] / i["n_control"], i["x_treatment"] / i["n_treatment"]
    return {"diff": rates[1] - rates[0], "lower": lower, "upper": upper}


def _strata(rows: Sequence[Mapping[str, Any]]) -> strata.Strata:
    if not rows:
        raise ValueError("strata: needs at least one")
    names = "x_control", "n_control", "x_treatment", "n_treatment"
    return strata.Strata(*([row[name] for row in rows] for name in names))


def _mantel_haenszel(i: Inputs) -> Outputs:
    given = _strata(i["strata"])
    found = mantel_haenszel.mantel_haenszel(given, _confidence(i))
    return {
        "diff": found.difference,
        "se_sato": found.standard_error,
        "z": found.z,
        "p_value": found.p_two_sided,
        "lower": found.lower,
        "upper": found.upper,
        "crude_diff": strata.crude_difference(given),
    }


def _q(given: strata.Strata) -> heterogeneity.Heterogeneity:
    known = given.informative > 0
    p0, p1, variance = (part[known] for part in given.rates())
    return heterogeneity.cochran_q(p1 - p0, variance)


def _inverse_variance(i: Inputs) -> Outputs:
    given = _strata(i["strata"])
    found = mantel_haenszel.inverse_variance(given, _confidence(i))
    between = {}
    if (given.informative > 0).sum() > 1:
        q = _q(given)
        between = {"cochran_q": q.q, "q_df": q.df, "q_p_value": q.p_value}
    return {
        "diff": found.difference,
        "se": found.standard_error,
        "lower": found.lower,
        "upper": found.upper,
        **between,
    }


def _post_stratified(i: Inputs) -> Outputs:
    given = _strata(i["strata"])
    weights = i.get("weights")
    if isinstance(weights, str):
        weights = None
    found = mantel_haenszel.post_stratified_difference(given, weights, _confidence(i))
    return {
        "diff": found.difference,
        "se": found.standard_error,
        "z": found.z,
        "p_value": found.p_two_sided,
        "crude_diff": strata.crude_difference(given),
    }


def _odds(i: Inputs) -> Outputs:
    found = odds.odds_tests(_strata(i["strata"]))
    return {
        "breslow_day": found.breslow_day,
        "breslow_day_p": found.breslow_day_p,
        "breslow_day_df": found.breslow_day_df,
        "mh_odds_ratio": found.odds_ratio,
        "cmh_chi2": found.cmh,
        "cmh_p": found.cmh_p,
    }


def _days(i: Inputs) -> Outputs:
    given = _strata(i["days"])
    q = _q(given)
    statistic, df, p_value = odds.logit_interaction(given)
    known = given.informative > 0
    p0, p1, variance = (part[known] for part in given.rates())
    signs = heterogeneity.gail_simon(p1 - p0, variance)
    return {
        "cochran_q": q.q,
        "df": q.df,
        "q_p_value": q.p_value,
        "logit_lr_chi2": statistic,
        "logit_lr_df": df,
        "logit_lr_p_value": p_value,
        "fixed_effect_diff": q.effect,
        "gail_simon_p_value": signs.p_value,
    }


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
    found = clustered_ratio.clustered_difference(control, canary, _confidence(i))
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


def _samples(i: Inputs) -> tuple[list[float], list[float]]:
    return sorted(i["control"]), sorted(i["treatment"])


def _mann_whitney(i: Inputs) -> Outputs:
    found = ranks.mann_whitney(*_samples(i), _alternative(i))
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
    found = ranks.hodges_lehmann(*_samples(i), _confidence(i), method)
    return {"estimate": found.estimate, "lower": found.lower, "upper": found.upper}


def _quantile(i: Inputs) -> Outputs:
    kinds = ("type1_inverted_cdf", "type6_weibull", "type7_linear", "type8")
    sample = sorted(i["x"])
    return {kind: quantile_difference.sample_quantile(sample, i["q"], kind) for kind in kinds}


def _ranks(i: Inputs) -> Outputs:
    found = quantile_difference.order_statistic_ranks(i["n"], i["q"], _confidence(i))
    return {
        "lower_rank_1based": found.lower,
        "upper_rank_1based": found.upper,
        "coverage": found.coverage,
    }


def _beta(arm: Mapping[str, Any]) -> beta_bernoulli.Beta:
    return beta_bernoulli.Beta(arm["alpha"], arm["beta"])


def _two_arms(i: Inputs) -> Outputs:
    control, canary = _beta(i["control"]), _beta(i["treatment"])
    if_canary, if_control = beta_bernoulli.expected_losses(control, canary)
    return {
        "p_treatment_better": beta_bernoulli.probability_better(control, canary),
        "expected_loss_if_treatment_chosen": if_canary,
        "expected_loss_if_control_chosen": if_control,
    }


def _best(i: Inputs) -> Outputs:
    return {"p_best": beta_bernoulli.probability_best([_beta(arm) for arm in i["arms"]])}


def _floor(i: Inputs) -> Outputs:
    given = i["p"], i["floor"]
    return {
        "mixture": exploration.floor_mixture(*given),
        "euclidean_projection": exploration.project_on_floor(*given),
        "clip_and_rescale_proportional": exploration.clip_and_rescale(*given),
    }


def _linucb(i: Inputs) -> Outputs:
    arms = {
        name: linear_bandit.LinearArm(i["dimension"], i.get("ridge", 1.0)) for name in i["arms"]
    }
    if not arms:
        raise ValueError("arms: needs at least one")
    for update in i["updates"]:
        arms[update["arm"]].learn(update["x"], update["reward"])
    scores = {name: arm.score(i["query_x"], i["alpha"]) for name, arm in arms.items()}
    return {
        "arms": {name: {"theta": s.theta, "ucb": s.upper} for name, s in scores.items()},
        # The first of equals, as a dictionary keeps its order.
        "chosen": max(scores, key=lambda name: scores[name].upper),
    }


def _composite(i: Inputs) -> Outputs:
    found = composite.weighted_composite(i["weights"], i["diffs"], i.get("se"))
    if found.standard_error is None:
        return {"composite_diff": found.effect}
    if found.standard_error == 0:
        return {UNDEFINED: True, "composite_diff": found.effect, "z": None, "p_value": None}
    return {
        "composite_diff": found.effect,
        "se": found.standard_error,
        "z": found.z,
        "p_value": found.p_two_sided,
    }


def _novelty(i: Inputs) -> Outputs:
    effects: list[Any] = []
    for period in ("early", "late"):
        given = strata.Strata(*([count] for count in _counts(i[period])))
        p0, p1, variance = given.rates()
        effects += [float((p1 - p0)[0]), float(variance[0])]
    found = novelty.effect_decay(*effects)
    if not found.informative:
        return {UNDEFINED: True, "decay": found.decay, "z": None}
    return {
        "early_diff": effects[0],
        "late_diff": effects[2],
        "decay": found.decay,
        "se": found.standard_error,
        "z": found.z,
        "p_value_two_sided": found.p_two_sided,
        "p_value_decay_one_sided": found.p_decay,
    }


def _stagewise(i: Inputs) -> Outputs:
    stop = i.get("stop_stage", len(i["information_fractions"]))
    if stop != int(stop) or not 1 <= stop <= len(i["information_fractions"]):
        raise ValueError(f"stop_stage: {stop} is no look of {len(i['information_fractions'])}")
    design = str(i.get("design", "")).lower()
    found = stagewise.stagewise(
        i["information_fractions"][: int(stop)],
        i["z_bounds_used"][: int(stop)],
        i["z_at_stop"],
        _confidence(i),
        two_sided=not (i.get("sides") == 1 or "one-sided" in design),
    )
    return {
        "median_unbiased_theta": found.estimate,
        "lower95": found.lower,
        "upper95": found.upper,
        "p_one_sided_upper": found.p_greater,
        "p_two_sided": found.p_two_sided,
        "naive_theta": found.naive,
    }


def _repeated(i: Inputs) -> Outputs:
    look = i["look"]
    if look != int(look) or not 1 <= look <= len(i["information_fractions"]):
        raise ValueError(f"look: {look} is no look of {len(i['information_fractions'])}")
    bound = _bounds(i)["z"][int(look) - 1]
    lower, upper = stagewise.repeated_interval(i["diff"], i["se"], bound)
    z = i["diff"] / i["se"]
    crossed = abs(z) >= bound if _sides(i) == 2 else z >= bound
    return {"lower": lower, "upper": upper, "z": z, "boundary": bound, "reject": crossed}


_FUNCTIONS: dict[str, Callable[[Inputs], Outputs]] = {
    "two_proportion_ztest_pooled": _test,
    "two_proportion_noninferiority_wald": _noninferiority,
    "diff_ci_newcombe_wilson": _interval(difference_intervals.newcombe),
    "diff_ci_miettinen_nurminen": _interval(miettinen_nurminen.miettinen_nurminen),
    "diff_ci_agresti_caffo": _interval(difference_intervals.agresti_caffo),
    "diff_ci_wald_unpooled": _interval(difference_intervals.wald),
    "fisher_exact_two_sided": _fisher,
    "sample_size_two_proportions_unpooled": _proportions(pooled=False),
    "sample_size_two_proportions_pooled": _proportions(pooled=True),
    "sample_size_noninferiority_unpooled": _noninferior_size(sample_size.noninferiority_size),
    "sample_size_noninferiority_farrington_manning": _noninferior_size(
        sample_size.farrington_manning_size
    ),
    "sample_size_two_means_normal": _means_normal,
    "sample_size_two_means_t": _means_t,
    "welch_t_test": _welch,
    "lan_demets_bounds": _bounds,
    "alpha_spending_function": _spending_function,
    "classic_group_sequential": _classic,
    "benjamini_hochberg": _adjusted(multiplicity.benjamini_hochberg),
    "benjamini_yekutieli": _adjusted(multiplicity.benjamini_yekutieli),
    "holm": _adjusted(multiplicity.holm),
    "online_lord_plus_plus": _lord,
    "online_saffron": _saffron,
    "online_addis": _addis,
    "online_lond": _lond,
    "srm_chi_square": _chi_square,
    "srm_sequential_multinomial": _multinomial,
    "msprt_normal": _msprt,
    "asymptotic_confidence_sequence_radius": _radius,
    "acs_rho_optimal": _rho,
    "proportion_difference_acs_equal_n": _sequence,
    "mantel_haenszel_risk_difference": _mantel_haenszel,
    "inverse_variance_risk_difference": _inverse_variance,
    "post_stratified_risk_difference": _post_stratified,
    "breslow_day_and_cmh": _odds,
    "cuped": _cuped,
    "delta_method_ratio": _ratio,
    "delta_method_ratio_difference": _ratio_difference,
    "mann_whitney_u": _mann_whitney,
    "hodges_lehmann_shift_ci": _shift,
    "quantile": _quantile,
    "quantile_ci_order_statistic_ranks": _ranks,
    "beta_bernoulli_two_arms": _two_arms,
    "beta_bernoulli_p_best": _best,
    "exploration_floor": _floor,
    "linucb_disjoint": _linucb,
    "severity_weighted_composite": _composite,
    "novelty_decay_z": _novelty,
    "day_of_week_interaction": _days,
    "stagewise_inference": _stagewise,
    "repeated_confidence_interval": _repeated,
}


def _numbers(value: Any) -> Any:
    """Strings that stand for floats JSON does not know become these floats."""
    if isinstance(value, str):
        word = value.strip().lower().replace("infinity", "inf")
        return _NUMBERS.get(word, value)
    if isinstance(value, Mapping):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(item) for item in value]
    return value


def _plain(value: Any) -> Any:
    """Numpy's numbers and arrays as Python's."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _without_infinities(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _without_infinities(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_infinities(item) for item in value]
    return value
