"""What a comparison says of one strategy in one world: shares, paired delays, conversations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from canary.simulation.peers.strategy import Strategy
from canary.simulation.tuning import Z95
from canary.statistics.intervals import Interval, wilson

__all__ = ["OURS", "Delay", "Row", "Trial", "Variant", "rows_of"]

OURS = "ours"


@dataclass(frozen=True)
class Variant:
    """A strategy with its thresholds as they are ("default") or multiplied, by metric."""

    strategy: Strategy
    thresholds: str
    factors: Mapping[str, float]

    @property
    def key(self) -> str:
        """What its stops are filed under."""
        return f"{self.strategy.name}/{self.thresholds}"


@dataclass(frozen=True)
class Trial:
    """One release: by key the minute it was stopped, and canary conversations hurt until then."""

    world: str
    seed: int
    fault_minute: float | None
    stops: Mapping[str, float | None]
    harmed: Mapping[str, float]


@dataclass(frozen=True)
class Delay:
    """Minutes from the fault's onset to the stop, over releases that neither stopped before it.

    `median` and `p95` count an undetected fault as infinite, so None means that so many are never
    found; `median_difference` is theirs minus ours over the pairs that both found.
    """

    pairs: int
    median: float | None
    p95: float | None
    ours_median: float | None
    ours_p95: float | None
    median_difference: float | None


@dataclass(frozen=True)
class Row:
    """One strategy in one world; shares are of all its releases, with Wilson's 95% interval.

    `thresholds` is "policy" for ours, else "default", "tuned" by one factor, or "tuned by metric".

    In a world without a fault `stopped` is false stops and the rest is None. `claims` is False
    where the metric that the fault hurts is none that the strategy reads. `harmed` is the mean of
    the canary's conversations from onset to stop, or to the end of the release, over the pairs of
    `delay`: its turns over the turns of a conversation.
    """

    world: str
    strategy: str
    thresholds: str
    factors: Mapping[str, float]
    claims: bool
    releases: int
    stopped: Interval
    early: Interval | None
    undetected: Interval | None
    delay: Delay | None
    harmed: float | None
    ours_harmed: float | None

    def as_json(self) -> dict[str, Any]:
        """Plain dicts and numbers."""
        return asdict(self)


def rows_of(
    world: str, trials: Sequence[Trial], variants: Sequence[Variant], hurt: str | None
) -> list[Row]:
    """Ours first, then each variant; `hurt` is the metric that the world's fault moves."""
    rows = [_row(world, trials, OURS, strategy=OURS, thresholds="policy", factors={}, claims=True)]
    for variant in variants:
        reads = variant.strategy.reads
        rows.append(
            _row(
                world,
                trials,
                variant.key,
                strategy=variant.strategy.name,
                thresholds=variant.thresholds,
                factors=variant.factors,
                claims=hurt is None or hurt in reads,
            )
        )
    return rows


def _row(world: str, trials: Sequence[Trial], key: str, **names: Any) -> Row:
    stopped = sum(trial.stops[key] is not None for trial in trials)
    shares = wilson(stopped, len(trials), Z95)
    if all(trial.fault_minute is None for trial in trials):
        return Row(
            world=world,
            releases=len(trials),
            stopped=shares,
            early=None,
            undetected=None,
            delay=None,
            harmed=None,
            ours_harmed=None,
            **names,
        )
    delays = [_delay(trial, key) for trial in trials]
    early = sum(delay is not None and delay < 0 for delay in delays)
    pairs = [
        (trial, theirs, ours)
        for trial, theirs in zip(trials, delays, strict=True)
        if theirs is not None
        and theirs >= 0
        and (ours := _delay(trial, OURS)) is not None
        and ours >= 0
    ]
    return Row(
        world=world,
        releases=len(trials),
        stopped=shares,
        early=wilson(early, len(trials), Z95),
        undetected=wilson(len(trials) - stopped, len(trials), Z95),
        delay=_delays([theirs for _, theirs, _ in pairs], [ours for _, _, ours in pairs]),
        harmed=_mean([trial.harmed[key] for trial, _, _ in pairs]),
        ours_harmed=_mean([trial.harmed[OURS] for trial, _, _ in pairs]),
        **names,
    )


def _delay(trial: Trial, key: str) -> float | None:
    """Minutes from onset, negative before it, infinite when never; None without an onset."""
    if trial.fault_minute is None:
        return None
    stop = trial.stops[key]
    return math.inf if stop is None else stop - trial.fault_minute


def _delays(theirs: Sequence[float], ours: Sequence[float]) -> Delay:
    both = [a - b for a, b in zip(theirs, ours, strict=True) if max(a, b) < math.inf]
    return Delay(
        len(theirs),
        _quantile(theirs, 0.5),
        _quantile(theirs, 0.95),
        _quantile(ours, 0.5),
        _quantile(ours, 0.95),
        float(np.median(both)) if both else None,
    )


def _quantile(values: Sequence[float], share: float) -> float | None:
    """An observed value, so that infinities are never averaged; None when it is infinite."""
    if not values:
        return None
    found = float(np.quantile(values, share, method="inverted_cdf"))
    return found if math.isfinite(found) else None


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
