"""Our releases and the peers' in the same worlds: the same telemetry, release by release.

A comparison wants the telemetry of a release that nobody stopped: each strategy then says where it
would have. What a strategy does not claim to watch is marked, not held against it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from canary.simulation.comparison_rows import OURS, Row, Trial, Variant, rows_of
from canary.simulation.peers.strategy import Strategy
from canary.simulation.telemetry import CANARY, Telemetry
from canary.simulation.tuning import Run, Tuned, tune, with_factors

__all__ = ["Comparison", "OurRelease", "compare"]

NULL = "null"
"""The world of healthy candidates that thresholds are tuned in."""
Telemetries = Callable[[str, int], Telemetry]


@dataclass(frozen=True)
class OurRelease:
    """What our own path made of one release: minutes since first exposure until it was stopped.

    Stopped is rolled back or rejected; None is a release that was promoted or held.
    """

    world: str
    seed: int
    stopped_at: float | None


@dataclass(frozen=True)
class Comparison:
    """A row for each world, strategy and variant, and how each threshold was tuned, by name."""

    rows: tuple[Row, ...]
    tunings: Mapping[str, Tuned]
    strategies: tuple[Strategy, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain dicts and numbers: `rows`, and by name what each strategy is and was tuned to."""
        return {
            "rows": [row.as_json() for row in self.rows],
            "strategies": {
                each.name: {
                    "describe": each.describe,
                    "page": each.page,
                    "reads": sorted(each.reads),
                    "tuning": asdict(self.tunings[each.name]),
                }
                for each in self.strategies
            },
        }


def compare(
    ours: Sequence[OurRelease],
    telemetry: Telemetries,
    strategies: Sequence[Strategy],
    tuning_seeds: Sequence[int],
    *,
    turns_per_conversation: float,
    metrics: Mapping[str, str] | None = None,
    target: float | None = None,
    by_metric: bool = True,
    run: Run = map,
) -> Comparison:
    """Run each strategy with its defaults and tuned, over the telemetry of our releases.

    Tuned is by one factor and, with `by_metric`, also by a factor for each metric.

    `metrics` says by world which metric is hurt in it: a strategy that does not read it claims
    nothing there, and where no minute of a fault is known it is taken for ill from the first
    exposure. `target` is the false-stop rate to tune to, by default our own in the null world.
    `run` maps over releases, so that an executor may be given; then `telemetry` must pickle.
    Raises `ValueError` for tuning seeds that are judged too, and where our own rate is unknown.
    """
    judged = {release.seed for release in ours if release.world == NULL}
    if shared := judged & set(tuning_seeds):
        raise ValueError(f"tuning_seeds: {sorted(shared)[:3]} are judged too; tune on others")
    if target is None:
        if not judged:
            raise ValueError(f"target: no release of ours in world {NULL!r} gives a rate")
        healthy = [release for release in ours if release.world == NULL]
        target = sum(release.stopped_at is not None for release in healthy) / len(healthy)
    tunings = tune(strategies, partial(telemetry, NULL), tuning_seeds, target, run=run)
    variants = tuple(
        variant
        for strategy, tuned in zip(strategies, tunings, strict=True)
        for variant in _variants(strategy, tuned, by_metric=by_metric)
    )
    by_world: dict[str, list[Trial]] = defaultdict(list)
    hurt = dict(metrics or {})
    judge = partial(_trial, telemetry, variants, turns_per_conversation, frozenset(hurt))
    for trial in run(judge, ours):
        by_world[trial.world].append(trial)
    rows = [
        row
        for world, trials in by_world.items()
        for row in rows_of(world, trials, variants, hurt.get(world))
    ]
    named = {each.name: found for each, found in zip(strategies, tunings, strict=True)}
    return Comparison(tuple(rows), named, tuple(strategies))


def _variants(strategy: Strategy, tuned: Tuned, *, by_metric: bool) -> Iterator[Variant]:
    yield Variant(strategy, "default", {})
    yield Variant(strategy, "tuned", tuned.together.factors)
    if by_metric and tuned.by_metric is not None:
        yield Variant(strategy, "tuned by metric", tuned.by_metric.factors)


def _trial(
    telemetry: Telemetries,
    variants: Sequence[Variant],
    turns_per_conversation: float,
    hurt: frozenset[str],
    release: OurRelease,
) -> Trial:
    """One release, stopped by each of them where it would be."""
    seen = telemetry(release.world, release.seed)
    onset = seen.fault_minute
    if onset is None and release.world in hurt:
        onset = 0.0
    stops: dict[str, float | None] = {OURS: release.stopped_at}
    for variant in variants:
        stop = with_factors(variant.strategy, variant.factors).stops_at(seen)
        stops[variant.key] = stop.minute if stop else None
    harmed = {}
    if onset is not None:
        turns = np.concatenate(([0.0], np.cumsum(seen.minutes["requests"][CANARY])))
        ends = {key: len(turns) - 1.0 if at is None else at for key, at in stops.items()}
        minutes = np.arange(len(turns))
        before = float(np.interp(onset, minutes, turns))
        for key, end in ends.items():
            until = float(np.interp(end, minutes, turns))
            harmed[key] = max(0.0, until - before) / turns_per_conversation
    return Trial(release.world, release.seed, onset, stops, harmed)
