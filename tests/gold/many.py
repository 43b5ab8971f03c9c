"""Many hypotheses, together or one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from canary.statistics import multiplicity, online_fdr
from tests.gold.words import Inputs, Outputs, options

__all__ = ["FUNCTIONS"]


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


def _lord(i: Inputs) -> Outputs:
    given = options(i, alpha="alpha", w0="w0", gamma="gamma")
    return _online(online_fdr.lord_plus_plus(i["p_values"], **given))


def _saffron(i: Inputs) -> Outputs:
    given = options(i, alpha="alpha", w0="w0", gamma="gamma", candidate="lambda")
    return _online(online_fdr.saffron(i["p_values"], **given))


def _addis(i: Inputs) -> Outputs:
    names = {"alpha": "alpha", "w0": "w0", "gamma": "gamma", "candidate": "lambda"}
    given = options(i, **names, discard="tau")
    return _online(online_fdr.addis(i["p_values"], **given))


def _lond(i: Inputs) -> Outputs:
    return _online(online_fdr.lond(i["p_values"], **options(i, alpha="alpha", beta="beta")))


FUNCTIONS: dict[str, Callable[[Inputs], Outputs]] = {
    "benjamini_hochberg": _adjusted(multiplicity.benjamini_hochberg),
    "benjamini_yekutieli": _adjusted(multiplicity.benjamini_yekutieli),
    "holm": _adjusted(multiplicity.holm),
    "online_lord_plus_plus": _lord,
    "online_saffron": _saffron,
    "online_addis": _addis,
    "online_lond": _lond,
}
