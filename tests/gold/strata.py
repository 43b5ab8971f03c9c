"""Effects over strata, days and intents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from canary.statistics import composite, heterogeneity, mantel_haenszel, novelty, odds, strata
from tests.gold.words import UNDEFINED, Inputs, Outputs, confidence, counts

__all__ = ["FUNCTIONS"]


def _strata(rows: Sequence[Mapping[str, Any]]) -> strata.Strata:
    if not rows:
        raise ValueError("strata: needs at least one")
    names = "x_control", "n_control", "x_treatment", "n_treatment"
    return strata.Strata(*([row[name] for row in rows] for name in names))


def _mantel_haenszel(i: Inputs) -> Outputs:
    given = _strata(i["strata"])
    found = mantel_haenszel.mantel_haenszel(given, confidence(i))
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
    found = mantel_haenszel.inverse_variance(given, confidence(i))
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
    found = mantel_haenszel.post_stratified_difference(given, weights, confidence(i))
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
        given = strata.Strata(*([count] for count in counts(i[period])))
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


FUNCTIONS: dict[str, Callable[[Inputs], Outputs]] = {
    "mantel_haenszel_risk_difference": _mantel_haenszel,
    "inverse_variance_risk_difference": _inverse_variance,
    "post_stratified_risk_difference": _post_stratified,
    "breslow_day_and_cmh": _odds,
    "severity_weighted_composite": _composite,
    "novelty_decay_z": _novelty,
    "day_of_week_interaction": _days,
}
