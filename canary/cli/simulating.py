"""What `canary simulate` does once its options are read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from canary.cli import simulation_tables
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy
from canary.simulation.setting import Ending, Setting
from canary.simulation.study import run, workers_for
from canary.simulation.summary import summary
from canary.simulation.targets import verdicts
from canary.simulation.waves import together
from canary.simulation.world import known_worlds, load_world

__all__ = [
    "Asked",
    "Found",
    "compiled",
    "list_worlds",
    "origin",
    "progress",
    "run_world",
    "simulate_effects",
    "simulate_waves",
    "simulate_worlds",
]


@dataclass(frozen=True)
class Asked:
    """The options."""

    worlds: tuple[str, ...]
    releases: int
    seed: int
    policy: Path
    region: str | None
    workers: int | None
    plots: Path | None
    quiet: bool


@dataclass(frozen=True)
class Found:
    """What there is to show to people, and whether all is well."""

    show: Callable[[], None]
    good: bool = True


def list_worlds(asked: Asked, *, as_json: bool) -> None:
    """Print every world's name and sentence."""
    policy = compiled(asked, asked.region)
    found = {name: load_world(name, policy).description for name in known_worlds()}
    if as_json:
        click.echo(json.dumps(found))
        return
    width = max(map(len, found))
    for name, description in found.items():
        click.echo(f"{name:{width}}  {description}")


def simulate_worlds(
    asked: Asked, *, targets: bool, tell: Callable[[dict[str, Any]], None]
) -> Found:
    """Each world in turn; `tell` hears of each as soon as it is done.

    Raises `PolicyError` and `UnknownWorldError`.
    """
    policy = compiled(asked, asked.region)
    names = asked.worlds or ("null",)
    if targets and not asked.worlds:
        names = known_worlds()
    settings = {name: Setting(policy, load_world(name, policy), asked.seed) for name in names}
    documents = []
    endings: dict[str, tuple[Ending, ...]] = {}
    for name, setting in settings.items():
        endings[name], seconds = run_world(asked, name, setting)
        document = {
            "world": name,
            "releases": asked.releases,
            "seconds": round(seconds, 2),
            **summary(setting.world, endings[name]),
            **origin(asked, policy),
        }
        if targets:
            document["targets"] = [
                {
                    "measure": each.target.measure,
                    "target": f"{each.target.kind} {each.target.limit:g}",
                    "estimate": each.estimate,
                    "lower": each.lower,
                    "upper": each.upper,
                    "holds": each.holds,
                }
                for each in verdicts(name, document)
            ]
        documents.append(document)
        tell(document)
    if asked.plots is not None:
        from canary.simulation.plots import draw_study

        draw_study(asked.plots, {name: settings[name].world for name in names}, endings)
    held = all(each["holds"] for document in documents for each in document.get("targets", ()))
    return Found(lambda: simulation_tables.show(documents), good=held)


def simulate_effects(
    asked: Asked, effects: tuple[float, ...], *, tell: Callable[[dict[str, Any]], None]
) -> Found:
    """One world with each of the true effects on completion (fractions of one)."""
    policy = compiled(asked, asked.region)
    name = asked.worlds[0] if asked.worlds else "null"
    world = load_world(name, policy)
    documents, endings = [], []
    for effect in effects:
        candidate = world.candidate.model_copy(update={"completion": effect})
        shifted = world.model_copy(update={"candidate": candidate})
        label = f"{name} {100 * effect:+g}"
        found, seconds = run_world(asked, label, Setting(policy, shifted, asked.seed))
        document = {
            "world": label,
            "effect": effect,
            "releases": asked.releases,
            "seconds": round(seconds, 2),
            **summary(shifted, found),
            **origin(asked, policy),
        }
        documents.append(document)
        endings.append(found)
        tell(document)
    if asked.plots is not None:
        from canary.simulation.plots import draw_characteristic

        draw_characteristic(asked.plots / "characteristic.svg", effects, endings)
    return Found(lambda: simulation_tables.show(documents))


def simulate_waves(asked: Asked, *, tell: Callable[[dict[str, Any]], None]) -> Found:
    """Every region of the policy in the order of its waves, in one world."""
    loaded = load_policy(asked.policy)
    name = asked.worlds[0] if asked.worlds else "null"
    by_wave: dict[int, dict[str, tuple[Ending, ...]]] = {}
    seconds = 0.0
    for place, region in enumerate(sorted(loaded.regions, key=lambda each: each.wave)):
        policy = compile_policy(loaded, region.name)
        # Regions share no customers: each has draws of its own.
        setting = Setting(policy, load_world(name, policy), asked.seed + 1_000_003 * place)
        found, took = run_world(asked, f"{name} in {region.name}", setting)
        by_wave.setdefault(region.wave, {})[region.name] = found
        seconds += took
    world = load_world(name, compiled(asked, None))
    document = {
        "world": name,
        "releases": asked.releases,
        "seconds": round(seconds, 2),
        **together(world, [by_wave[wave] for wave in sorted(by_wave)]),
        "seed": asked.seed,
        "policy": str(asked.policy),
    }
    tell(document)
    return Found(lambda: simulation_tables.show_waves(document))


def run_world(asked: Asked, name: str, setting: Setting) -> tuple[tuple[Ending, ...], float]:
    """The releases of one world, and how many seconds they took."""
    started = time.perf_counter()
    workers = workers_for(asked.releases, asked.workers)
    with progress(name, asked.releases, quiet=asked.quiet) as advance:
        endings = run(setting, asked.releases, workers=workers, progress=advance)
    return endings, time.perf_counter() - started


@contextmanager
def progress(name: str, total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar on standard error that the yielded function moves on."""
    console = Console(stderr=True, quiet=quiet)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=total)
        yield lambda done: bar.update(task, advance=done)


def origin(asked: Asked, policy: CompiledPolicy) -> dict[str, Any]:
    """Where figures come from, so that they can be made again."""
    return {
        "region": policy.region,
        "seed": asked.seed,
        "policy": str(asked.policy),
        "policy_version": policy.digest,
    }


def compiled(asked: Asked, region: str | None) -> CompiledPolicy:
    """The policy of a region, by default of the policy's first."""
    loaded = load_policy(asked.policy)
    return compile_policy(loaded, region or loaded.regions[0].name)
