"""Spending, boundaries, always-valid bounds, inference after stopping."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from canary.statistics import always_valid, classic_designs, spending, stagewise
from tests.gold.words import Inputs, Outputs, confidence, counts

__all__ = ["FUNCTIONS"]


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
        *counts(i), rho=i["rho"], alpha=i.get("alpha", 0.05)
    )
    rates = i["x_control"] / i["n_control"], i["x_treatment"] / i["n_treatment"]
    return {"diff": rates[1] - rates[0], "lower": lower, "upper": upper}


def _stagewise(i: Inputs) -> Outputs:
    stop = i.get("stop_stage", len(i["information_fractions"]))
    if stop != int(stop) or not 1 <= stop <= len(i["information_fractions"]):
        raise ValueError(f"stop_stage: {stop} is no look of {len(i['information_fractions'])}")
    design = str(i.get("design", "")).lower()
    found = stagewise.stagewise(
        i["information_fractions"][: int(stop)],
        i["z_bounds_used"][: int(stop)],
        i["z_at_stop"],
        confidence(i),
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


FUNCTIONS: dict[str, Callable[[Inputs], Outputs]] = {
    "lan_demets_bounds": _bounds,
    "alpha_spending_function": _spending_function,
    "classic_group_sequential": _classic,
    "msprt_normal": _msprt,
    "asymptotic_confidence_sequence_radius": _radius,
    "acs_rho_optimal": _rho,
    "proportion_difference_acs_equal_n": _sequence,
    "stagewise_inference": _stagewise,
    "repeated_confidence_interval": _repeated,
}
