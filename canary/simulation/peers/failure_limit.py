"""A threshold with a number of failures allowed: Argo Rollouts' analysis, and Flagger's.

Both measure on a fixed interval and count failures over the whole release. They differ in what is
counted (by metric, or checks in which any metric failed), in how many are allowed, and in what
silence means.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from canary.simulation.peers import limits
from canary.simulation.peers.limits import DROPS, LEVELS, Drop, Level, metrics_of, rolling
from canary.simulation.peers.strategy import Stop
from canary.simulation.telemetry import CANARY, Telemetry

__all__ = ["ArgoAnalysis", "FlaggerAnalysis"]

Flags = NDArray[np.bool_]
_MINUTES_AN_HOUR = 60


@dataclass(frozen=True)
class ArgoAnalysis:
    """A background analysis: a metric that fails more than `failure_limit` times ends it.

    Interval and limit are those of the page's examples (the fields' own defaults are one single
    measurement and no failure allowed). A measurement without trials is an error: it neither
    passes nor fails, and more than `error_limit` of them in a row end the analysis.
    """

    interval: int = 5
    failure_limit: int = 3
    error_limit: int = 4
    levels: tuple[Level, ...] = LEVELS
    drops: tuple[Drop, ...] = DROPS
    name: str = "argo"
    page: str = "https://argo-rollouts.readthedocs.io/en/stable/features/analysis/"

    @property
    def describe(self) -> str:
        """One sentence."""
        return (
            f"A threshold with a failure limit, as an Argo Rollouts background analysis: A10's "
            f"thresholds measured every {self.interval} minutes over as many, more than "
            f"{self.failure_limit} failures of one metric stop."
        )

    @property
    def reads(self) -> AbstractSet[str]:
        """Any query may be a metric, so all of A10's."""
        return metrics_of(self.levels, self.drops)

    def stops_at(self, telemetry: Telemetry) -> Stop | None:
        """The measurement in which the first metric passes a limit."""
        stops = []
        for level in self.levels:
            failed = _ticks(level.breaches(telemetry, self.interval), self.interval)
            silent = _ticks(level.trials_seen(telemetry, self.interval) <= 0, self.interval)
            in_a_row = rolling(silent.astype(np.float64), self.error_limit + 1)
            stops.append((_nth(failed, self.failure_limit + 1), level.metric))
            stops.append((_first(in_a_row > self.error_limit), level.metric))
        for drop in self.drops:
            failed = _by_tick(drop.breaches(telemetry), self.interval)
            stops.append((_nth(failed, self.failure_limit + 1), drop.metric))
        return _earliest(stops, self.interval)

    def scaled(self, factor: float, metric: str | None = None) -> ArgoAnalysis:
        """Thresholds multiplied, all or one metric's; interval and limits stay."""
        levels = limits.scaled(self.levels, factor, metric)
        return replace(self, levels=levels, drops=limits.scaled(self.drops, factor, metric))

    def only(self, metric: str) -> ArgoAnalysis:
        """The limits of one metric; what silence does stays."""
        levels = limits.only(self.levels, metric)
        return replace(self, levels=levels, drops=limits.only(self.drops, metric))


@dataclass(frozen=True)
class FlaggerAnalysis:
    """An analysis every minute: `threshold` failed checks of whatever metric roll back.

    Interval and threshold are the page's. A check fails when one metric is out of its range, and
    when no request was seen. The count is never taken back while the release goes on, and the run
    after the one that filled it rolls back.
    """

    interval: int = 1
    threshold: int = 10
    levels: tuple[Level, ...] = LEVELS
    drops: tuple[Drop, ...] = DROPS
    name: str = "flagger"
    page: str = "https://docs.flagger.app/usage/how-it-works"

    @property
    def describe(self) -> str:
        """One sentence."""
        return (
            f"A threshold with a failure limit, as in Flagger: A10's thresholds checked every "
            f"{self.interval} minute over as much, {self.threshold} failed checks stop."
        )

    @property
    def reads(self) -> AbstractSet[str]:
        """Its metric templates query what one likes, so all of A10's."""
        return metrics_of(self.levels, self.drops)

    def stops_at(self, telemetry: Telemetry) -> Stop | None:
        """The run after the check that fills the count; the metric is one that failed in it."""
        requests = rolling(telemetry.minutes["requests"][CANARY], self.interval)
        failed = {"requests": _ticks(requests <= 0, self.interval)}
        for level in self.levels:
            breaches = level.breaches(telemetry, self.interval)
            failed[level.metric] = _ticks(breaches, self.interval)
        for drop in self.drops:
            failed[drop.metric] = _by_tick(drop.breaches(telemetry), self.interval)
        length = min(len(flags) for flags in failed.values())
        any_failed = np.logical_or.reduce([flags[:length] for flags in failed.values()])
        tick = _nth(any_failed, self.threshold)
        if tick is None:
            return None
        metric = next(name for name, flags in failed.items() if flags[tick])
        return Stop(float((tick + 2) * self.interval), metric)

    def scaled(self, factor: float, metric: str | None = None) -> FlaggerAnalysis:
        """Thresholds multiplied, all or one metric's; interval and count stay."""
        levels = limits.scaled(self.levels, factor, metric)
        return replace(self, levels=levels, drops=limits.scaled(self.drops, factor, metric))

    def only(self, metric: str) -> FlaggerAnalysis:
        """The limits of one metric; what silence does stays."""
        levels = limits.only(self.levels, metric)
        return replace(self, levels=levels, drops=limits.only(self.drops, metric))


def _ticks(by_minute: Flags, interval: int) -> Flags:
    """What each measurement sees: the last minute of its interval."""
    return by_minute[interval - 1 :: interval]


def _by_tick(by_hour: Flags, interval: int) -> Flags:
    """What each measurement sees of hourly figures: the last hour that is over."""
    a_hour = _MINUTES_AN_HOUR // interval
    # The measurement at an hour's end is the first that sees it.
    seen = np.concatenate((np.zeros(a_hour - 1, dtype=bool), np.repeat(by_hour, a_hour)))
    return seen[: len(by_hour) * a_hour]


def _first(flags: Flags) -> int | None:
    return _nth(flags, 1)


def _nth(flags: Flags, count: int) -> int | None:
    """The place of the `count`-th flag; None when there are fewer."""
    places = np.flatnonzero(flags)
    return int(places[count - 1]) if places.size >= count else None


def _earliest(stops: list[tuple[int | None, str]], interval: int) -> Stop | None:
    known = [(tick, metric) for tick, metric in stops if tick is not None]
    if not known:
        return None
    tick, metric = min(known, key=lambda stop: stop[0])
    return Stop(float((tick + 1) * interval), metric)
