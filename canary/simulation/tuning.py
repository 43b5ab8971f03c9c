"""A peer's threshold moved by one factor until it stops healthy releases as rarely as we do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from canary.simulation.peers.strategy import Strategy
from canary.simulation.telemetry import Telemetry
from canary.statistics.intervals import Interval, wilson

__all__ = ["LARGEST", "SMALLEST", "Z95", "Tuning", "critical_factor", "tune"]

SMALLEST, LARGEST = 1 / 64, 128.0
"""Factors between which is searched: at the largest, even a share of 1 is below every limit."""
Z95 = 1.959963984540054
_PRECISION = 1.01
Seeds = Sequence[int]
Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""`map`, or the `map` of an executor."""


@dataclass(frozen=True)
class Tuning:
    """What was found: with `factor` a share `false_stop` of healthy releases is stopped.

    `reached` is False where no factor brings it down to `target`: then `factor` is the least that
    gets as low as this rule can.
    """

    factor: float
    target: float
    false_stop: Interval
    reached: bool


def critical_factor(strategy: Strategy, telemetry: Telemetry) -> float:
    """The smallest factor, to one hundredth, at which this release is let run to its end.

    By bisection of the logarithm; infinite when it is stopped at the largest factor too, the
    smallest factor when it is stopped at none.
    """
    if strategy.scaled(LARGEST).stops_at(telemetry) is not None:
        return math.inf
    stops, runs = SMALLEST, LARGEST
    if strategy.scaled(SMALLEST).stops_at(telemetry) is None:
        return SMALLEST
    while runs / stops > _PRECISION:
        middle = math.sqrt(stops * runs)
        if strategy.scaled(middle).stops_at(telemetry) is None:
            runs = middle
        else:
            stops = middle
    return runs


def tune(
    strategies: Sequence[Strategy],
    telemetry: Callable[[int], Telemetry],
    seeds: Seeds,
    target: float,
    *,
    run: Run = map,
) -> tuple[Tuning, ...]:
    """For each strategy the strictest factor that stops at most `target` of healthy releases.

    `telemetry` gives the healthy release of a seed; each is made once, and bisected for every
    strategy. Raises `ValueError` without seeds and for a target outside 0 to 1.
    """
    if not seeds:
        raise ValueError("seeds: tuning needs at least one healthy release")
    if not 0 <= target <= 1:
        raise ValueError(f"target: {target} is outside 0 to 1")
    table = list(run(partial(_factors, tuple(strategies), telemetry), seeds))
    return tuple(_chosen([row[k] for row in table], target) for k in range(len(strategies)))


def _factors(
    strategies: tuple[Strategy, ...], telemetry: Callable[[int], Telemetry], seed: int
) -> list[float]:
    release = telemetry(seed)
    return [critical_factor(strategy, release) for strategy in strategies]


def _chosen(critical: list[float], target: float) -> Tuning:
    """The factor that no more than the allowed number of releases lie above."""
    allowed = min(math.floor(target * len(critical) + 1e-9), len(critical) - 1)
    factor = sorted(critical, reverse=True)[allowed]
    reached = math.isfinite(factor)
    if not reached:
        factor = max((each for each in critical if math.isfinite(each)), default=LARGEST)
    stopped = sum(each > factor for each in critical)
    return Tuning(factor, target, wilson(stopped, len(critical), Z95), reached)
