"""`canary simulate --compare`: other tools' strategies in the worlds of our own releases."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from rich.console import Console

from canary.cli.simulating import Asked, Found, compiled, origin, progress, run_world
from canary.simulation.comparison import OurRelease
from canary.simulation.comparison import compare as compare_releases
from canary.simulation.comparison_table import markdown
from canary.simulation.observation import observe
from canary.simulation.peers.catalogue import peers
from canary.simulation.setting import Setting
from canary.simulation.study import workers_for
from canary.simulation.summary import stopped_for_own_sake
from canary.simulation.telemetry import Telemetry
from canary.simulation.tuning import Run
from canary.simulation.world import known_worlds, load_world

__all__ = ["compare"]

NULL = "null"
_TUNING = 400
"""Healthy releases that thresholds are tuned on, and from which number on they are."""
_TUNING_FROM = 1_000_000
_CHUNK = 8


def compare(asked: Asked, *, tell: Callable[[dict[str, Any]], None]) -> Found:
    """Every fault that comes with canary, or the worlds asked for, beside the healthy one.

    Thresholds are tuned to our own rate of false stops in the healthy world, or to one in as many
    as they are tuned on where ours is smaller. Raises `PolicyError` and `UnknownWorldError`.
    """
    started = time.perf_counter()
    policy = compiled(asked, asked.region)
    names = asked.worlds or ("worse", *(n for n in known_worlds() if n.startswith("fault_")))
    names = (NULL, *(name for name in names if name != NULL))
    settings = {name: Setting(policy, load_world(name, policy), asked.seed) for name in names}
    ours: list[OurRelease] = []
    for name, setting in settings.items():
        endings, _ = run_world(asked, name, setting)
        ours += [
            OurRelease(name, each.number, each.at / 60 if stopped_for_own_sake(each) else None)
            for each in endings
        ]
    tuning = min(_TUNING, max(2, asked.releases))
    healthy = [each for each in ours if each.world == NULL]
    rate = sum(each.stopped_at is not None for each in healthy) / len(healthy)
    workers = workers_for(asked.releases, asked.workers)
    with ProcessPoolExecutor(workers) as pool:
        found = compare_releases(
            ours,
            partial(_telemetry, settings),
            peers(),
            range(_TUNING_FROM, _TUNING_FROM + tuning),
            turns_per_conversation=policy.baseline.turns_per_conversation,
            metrics={name: hurt for name in names if (hurt := settings[name].world.hurts)},
            target=max(rate, 1 / tuning),
            run=_run(pool, quiet=asked.quiet),
        )
    document = {
        "worlds": list(names),
        "releases": asked.releases,
        "seconds": round(time.perf_counter() - started, 2),
        **origin(asked, policy),
        **found.as_json(),
    }
    tell(document)
    return Found(lambda: Console(highlight=False).print(markdown(found), soft_wrap=True))


def _telemetry(settings: Mapping[str, Setting], world: str, number: int) -> Telemetry:
    return observe(settings[world], number)


def _run(pool: ProcessPoolExecutor, *, quiet: bool) -> Run:
    def over(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        kept = list(items)
        with progress("other tools", len(kept), quiet=quiet) as advance:
            for result in pool.map(function, kept, chunksize=_CHUNK):
                advance(1)
                yield result

    return over
