"""A peer's thresholds moved until it stops healthy releases as rarely as we do.

Twice: by one factor on all its thresholds, and by a factor for each metric, as somebody would who
knows how noisy each of them is: first each metric alone, then one factor over all, so that together
they stop as many as they may. Both are found on releases that nobody is judged by.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from canary.simulation.peers.strategy import Strategy
from canary.simulation.telemetry import Telemetry
from canary.statistics.intervals import Interval, wilson

__all__ = [
    "LARGEST",
    "SMALLEST",
    "Z95",
    "Run",
    "Tuned",
    "Tuning",
    "critical_factor",
    "tune",
    "with_factors",
]

SMALLEST, LARGEST = 1 / 64, 128.0
"""Factors between which is searched: at the largest, even a share of 1 is below every limit."""
Z95 = 1.959963984540054
_WIDEST = LARGEST / SMALLEST
"""The largest factor over metrics of which one may have the smallest already."""
_PRECISION = 1.01
Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""`map`, or the `map` of an executor."""


@dataclass(frozen=True)
class Tuning:
    """Factors by metric, and the share of the healthy releases tuned on that they stop.

    `reached` is False where no factors bring it down to `target`: then they are the least that get
    as low as this rule can.
    """

    factors: Mapping[str, float]
    target: float
    false_stop: Interval
    reached: bool


@dataclass(frozen=True)
class Tuned:
    """One strategy's two tunings; the second is None for a strategy with one metric."""

    together: Tuning
    by_metric: Tuning | None


def with_factors(strategy: Strategy, factors: Mapping[str, float]) -> Strategy:
    """The strategy with each metric's thresholds multiplied by its own factor."""
    for metric, factor in factors.items():
        strategy = strategy.scaled(factor, metric)
    return strategy


def critical_factor(strategy: Strategy, telemetry: Telemetry, *, largest: float = LARGEST) -> float:
    """The smallest factor, to one hundredth, at which this release is let run to its end.

    By bisection of the logarithm; infinite when it is stopped at the largest factor too, the
    smallest factor when it is stopped at none.
    """
    if strategy.scaled(largest).stops_at(telemetry) is not None:
        return math.inf
    stops, runs = SMALLEST, largest
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
    seeds: Sequence[int],
    target: float,
    *,
    run: Run = map,
) -> tuple[Tuned, ...]:
    """For each strategy the strictest factors that stop at most `target` of healthy releases.

    `telemetry` gives the healthy release of a seed. Metrics are weighed against each other on every
    other release, and the factor over all found on the rest: on the same releases each metric would
    fit its own worst one. With n releases a rate below 1 / n is not told from 0. Raises
    `ValueError` for fewer than two seeds and for a target outside 0 to 1.
    """
    if len(seeds) < 2:  # noqa: PLR2004 - to weigh the metrics, and to find the factor
        raise ValueError(f"seeds: tuning needs at least two healthy releases, not {len(seeds)}")
    if not 0 <= target <= 1:
        raise ValueError(f"target: {target} is outside 0 to 1")
    whole = list(run(partial(_critical, tuple(strategies), telemetry), seeds))
    several = tuple(strategy for strategy in strategies if len(strategy.reads) > 1)
    alone = list(run(partial(_critical_alone, several, telemetry), seeds[::2]))
    shapes = [
        {name: _least([row[k][name] for row in alone], target) for name in sorted(strategy.reads)}
        for k, strategy in enumerate(several)
    ]
    shaped = tuple(with_factors(*each) for each in zip(several, shapes, strict=True))
    over = list(run(partial(_critical, shaped, telemetry), seeds[1::2]))
    by_metric = {
        strategy.name: _tuning(shapes[k], [row[k] for row in over], target)
        for k, strategy in enumerate(several)
    }
    return tuple(
        Tuned(
            _tuning(
                dict.fromkeys(sorted(strategy.reads), 1.0),
                [row[k] for row in whole],
                target,
            ),
            by_metric.get(strategy.name),
        )
        for k, strategy in enumerate(strategies)
    )


def _critical(
    strategies: tuple[Strategy, ...], telemetry: Callable[[int], Telemetry], seed: int
) -> list[float]:
    """Each strategy's critical factor over all its metrics."""
    release = telemetry(seed)
    return [critical_factor(strategy, release, largest=_WIDEST) for strategy in strategies]


def _critical_alone(
    strategies: tuple[Strategy, ...], telemetry: Callable[[int], Telemetry], seed: int
) -> list[dict[str, float]]:
    """Each strategy's critical factor of each metric, the others unwatched."""
    release = telemetry(seed)
    return [
        {name: critical_factor(strategy.only(name), release) for name in strategy.reads}
        for strategy in strategies
    ]


def _tuning(shape: Mapping[str, float], critical: list[float], target: float) -> Tuning:
    """The shape times the least factor that no more than a share `target` of releases exceeds."""
    factor = _least(critical, target)
    stopped = sum(each > factor for each in critical)
    return Tuning(
        {name: each * factor for name, each in shape.items()},
        target,
        wilson(stopped, len(critical), Z95),
        stopped <= _allowed(critical, target),
    )


def _least(critical: list[float], target: float) -> float:
    """The least factor exceeded by so many releases, or by those that exceed every factor."""
    finite = max((each for each in critical if math.isfinite(each)), default=LARGEST)
    return min(sorted(critical, reverse=True)[_allowed(critical, target)], finite)


def _allowed(critical: list[float], target: float) -> int:
    """How many of the releases may be stopped."""
    return min(math.floor(target * len(critical) + 1e-9), len(critical) - 1)
