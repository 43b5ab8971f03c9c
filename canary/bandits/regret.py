"""What learning costs: many bandits' lives at once, with the probabilities that are served.

A floor of exploration is paid for ever, so regret cannot stop growing; what is learned shows in the
part above the floor's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from canary.bandits.posterior import best_chances
from canary.statistics.validation import Values, unit_interval

__all__ = ["floor_regret", "thompson_regret", "uniform_regret"]


def thompson_regret(
    rates: Sequence[float],
    *,
    batches: int,
    batch_size: int,
    lives: int,
    floor: float,
    generator: np.random.Generator,
) -> Values:
    """The expected successes missed after each batch, by life: shape (lives, batches).

    In each batch arms are drawn by floor + (1 - K * floor) * P(best), which is learned between
    batches. Raises `ValueError` for rates outside 0 to 1.
    """
    truth = unit_interval("rates", rates)
    gaps = truth.max() - truth
    successes = np.zeros((lives, len(truth)))
    failures = np.zeros((lives, len(truth)))
    missed = np.empty((lives, batches))
    for batch in range(batches):
        served = floor + (1 - floor * len(truth)) * best_chances(successes, failures)
        drawn = generator.multinomial(batch_size, served)
        good = generator.binomial(drawn, truth)
        successes += good
        failures += drawn - good
        missed[:, batch] = drawn @ gaps
    return np.cumsum(missed, axis=1)


def uniform_regret(rates: Sequence[float], decisions: int) -> float:
    """What drawing all arms alike misses."""
    truth = unit_interval("rates", rates)
    return decisions * float((truth.max() - truth).mean())


def floor_regret(rates: Sequence[float], decisions: int, floor: float) -> float:
    """What the floor alone misses, had the best arm been known from the start."""
    truth = unit_interval("rates", rates)
    return decisions * floor * float((truth.max() - truth).sum())
