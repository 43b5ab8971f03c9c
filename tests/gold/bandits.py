"""Posteriors, exploration, contextual choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from canary.statistics import beta_bernoulli, exploration, linear_bandit
from tests.gold.words import Inputs, Outputs

__all__ = ["FUNCTIONS"]


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


FUNCTIONS: dict[str, Callable[[Inputs], Outputs]] = {
    "beta_bernoulli_two_arms": _two_arms,
    "beta_bernoulli_p_best": _best,
    "exploration_floor": _floor,
    "linucb_disjoint": _linucb,
}
