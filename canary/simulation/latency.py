"""Each conversation's slowest turn, counted in narrow bins where the P99 may lie."""

from __future__ import annotations

import functools
import math

import numpy as np

from canary.simulation.rates import Rates
from canary.simulation.telemetry import Counts

__all__ = ["TAIL_HOURS", "slowest", "tail_counts"]

TAIL_HOURS = 4
"""Gates look at blocks of whole hours; a finer count would be thrown away."""
_BINS = 72
_FROM, _TO = 0.6, 6.0
"""The bins reach from and to these multiples of today's P99; all that is slower is in the last."""
_TAIL_SHARE, _TAIL_LEAST = 0.03, 50
_PERCENT, _DEVIATIONS = 0.01, 8
"""How much of the tail a look is given, as the query for it does."""


def tail_counts(
    rng: np.random.Generator, rates: Rates, start: float, blocks: int, arriving: Counts
) -> Counts:
    """Conversations by arm, block of `TAIL_HOURS` and bin: shape (2, blocks, bins)."""
    hours = arriving.shape[1]
    ends = np.minimum((np.arange(blocks) + 1) * TAIL_HOURS, hours)
    begins = np.arange(blocks) * TAIL_HOURS
    times = start + 3600.0 * (begins + ends) / 2
    volume = np.add.reduceat(arriving, begins, axis=1)
    beyond = rates.tail(times, tuple(_edges(rates.baseline.p99_ms).tolist()))
    inside = beyond - np.concatenate([beyond[..., 1:], np.zeros((*beyond.shape[:2], 1))], axis=2)
    return np.asarray(rng.poisson(volume[..., None] * inside))


def slowest(rates: Rates, counts: Counts, n: int) -> Counts:
    """The slowest of `n` conversations, slowest first: evenly spread within their bins."""
    edges = _edges(rates.baseline.p99_ms)
    # As much of the tail as the query gives; of very many, only what the bounds of a P99 can reach.
    reach = _PERCENT * n + _DEVIATIONS * math.sqrt(_PERCENT * n)
    wanted = min(n, _TAIL_LEAST + int(min(_TAIL_SHARE * n, reach)))
    whole = counts.astype(np.int64)[::-1]
    kept = np.minimum(whole, np.maximum(0, wanted - (np.cumsum(whole) - whole)))
    bins = np.repeat(np.arange(kept.size), kept)
    place = np.arange(bins.size) - np.repeat(np.cumsum(kept) - kept, kept)
    within = 1 - (place + 0.5) / np.maximum(whole, 1)[bins]
    return np.asarray(edges[::-1][bins] * (edges[1] / edges[0]) ** within)


@functools.lru_cache(maxsize=8)
def _edges(p99_ms: float) -> Counts:
    return np.asarray(p99_ms * np.geomspace(_FROM, _TO, _BINS))
