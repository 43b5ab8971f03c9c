# ruff: noqa: INP001 - a script, run by its path in mabwiser's own environment
"""mabwiser in the worlds of benchmarks/bandits.py: one JSON argument in, one JSON object out.

As it comes, and with the same floor put round it: with probability floor * arms an arm is drawn at
random, else mabwiser chooses. The same batches: what a batch brings is learned when it is over.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import numpy as np
from mabwiser.mab import MAB, LearningPolicy


def main() -> None:
    """Print the figures of both kinds, with the floor and without."""
    asked = json.loads(sys.argv[1])
    found = {}
    for name, life in (("thompson", thompson), ("linucb", linucb)):
        for suffix, floor in (("", 0.0), ("_floor", asked["floor"])):
            lives = [life(asked, number, floor) for number in range(asked["lives"])]
            missed = np.array([lost for lost, _ in lives])
            found[f"{name}{suffix}"] = {
                "regret": float(missed.mean()),
                "error": float(missed.std(ddof=1) / math.sqrt(len(missed))),
                "least_share": min(least for _, least in lives),
            }
    sys.stdout.write(json.dumps(found))


def thompson(asked: dict[str, Any], life: int, floor: float) -> tuple[float, float]:
    """One life of its Thompson sampling: expected successes missed, the least share of an arm."""
    rates, size = np.array(asked["rates"]), asked["size"]
    arms = list(range(len(rates)))
    chance = np.random.default_rng(100 + life)
    mab = MAB(arms, LearningPolicy.ThompsonSampling(), seed=life)
    mab.fit(arms, [1] * len(arms))
    missed, least = 0.0, 1.0
    for _ in range(asked["batches"]):
        chosen = np.array([mab.predict() for _ in range(size)])
        drawn = mixed(chance, chosen, len(arms), floor)
        missed += float((rates.max() - rates[drawn]).sum())
        least = min(least, served(chosen, len(arms), floor))
        mab.partial_fit(drawn, (chance.random(size) < rates[drawn]).astype(int))
    return missed, least


def linucb(asked: dict[str, Any], life: int, floor: float) -> tuple[float, float]:
    """One life of its LinUCB in the same contexts, with the same luck."""
    dimension, size = asked["dimension"], asked["size"]
    chance = np.random.default_rng(1000 + life)
    theta = np.column_stack([np.full(3, 0.6), chance.uniform(-0.15, 0.15, (3, dimension - 1))])
    mab = MAB([0, 1, 2], LearningPolicy.LinUCB(alpha=1.0, l2_lambda=1.0), seed=life)
    mixer = np.random.default_rng(100 + life)
    missed, least = 0.0, 1.0
    for batch in range(asked["batches"]):
        contexts = np.column_stack(
            [
                np.ones(size),
                chance.random(size),
                (chance.random((size, dimension - 2)) < (0.4, 0.1, 0.3)).astype(float),
            ]
        )
        luck, won = chance.random(size), chance.random(size)
        # Before its first batch it knows nothing and cannot be asked: every arm alike.
        chosen = np.array(mab.predict(contexts)) if batch else (luck * 3).astype(int)
        drawn = mixed(mixer, chosen, 3, floor)
        truth = contexts @ theta.T
        of_drawn = truth[np.arange(size), drawn]
        missed += float((truth.max(axis=1) - of_drawn).sum())
        least = min(least, served(chosen, 3, floor))
        learn = mab.partial_fit if batch else mab.fit
        learn(drawn, (won < of_drawn).astype(int), contexts)
    return missed, least


def mixed(chance: np.random.Generator, chosen: np.ndarray, arms: int, floor: float) -> np.ndarray:
    """The chosen arms, but any with probability floor * arms."""
    random = chance.random(len(chosen)) < floor * arms
    return np.where(random, chance.integers(0, arms, len(chosen)), chosen)


def served(chosen: np.ndarray, arms: int, floor: float) -> float:
    """The least probability of an arm in a batch, from how often each was chosen."""
    shares = np.bincount(chosen, minlength=arms) / len(chosen)
    return float((floor + (1 - floor * arms) * shares).min())


if __name__ == "__main__":
    main()
