"""`canary simulate`: how often a policy is wrong, before a customer meets it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from canary.cli.policy import DEFAULT_POLICY

__all__ = ["simulate"]

_USAGE = 2
_INTERRUPTED = 130


class _Effects(click.ParamType[tuple[float, ...]]):
    """Numbers with commas between them, in points."""

    name = "points"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Fractions of one, rising."""
        try:
            points = sorted({float(each) for each in str(value).split(",")})
        except ValueError:
            self.fail(f"{value!r}: numbers with commas between them, as -2,-1,0,1,2", param, ctx)
        if not all(-100 < each < 100 for each in points):  # noqa: PLR2004 - a whole
            self.fail(f"{value!r}: points are between -100 and 100", param, ctx)
        return tuple(each / 100 for each in points)


EFFECTS = _Effects()


@click.command()
@click.option(
    "--world",
    "worlds",
    multiple=True,
    metavar="NAME|FILE",
    help="A world that comes with canary, or a TOML file of your own; several are run in turn "
    "(default: null; with --targets all).",
)
@click.option("--list", "listing", is_flag=True, help="List the worlds and stop.")
@click.option(
    "--releases", type=click.IntRange(1), default=1000, show_default=True, help="How many."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of every draw.")
@click.option("--policy", type=click.Path(path_type=Path), default=DEFAULT_POLICY, help="A policy.")
@click.option("--region", default=None, help="A region of the policy (default: its first).")
@click.option("--waves", is_flag=True, help="Every region, wave after wave.")
@click.option("--targets", is_flag=True, help="Hold each world's figures against its targets.")
@click.option(
    "--compare", is_flag=True, help="Other tools' strategies in the same worlds (default: faults)."
)
@click.option(
    "--plots",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    metavar="DIRECTORY",
    help="Draw outcomes and delays of detection there (SVG).",
)
@click.option(
    "--effects",
    type=EFFECTS,
    default=None,
    metavar="POINTS,...",
    help="Run one world at each of these true effects on completion, as -2,-1,0,1,2: the "
    "operating characteristic.",
)
@click.option("--workers", type=click.IntRange(1), default=None, help="Processes (default: cores).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a world, or one only.")
def simulate(
    *,
    worlds: tuple[str, ...],
    listing: bool,
    releases: int,
    seed: int,
    policy: Path,
    region: str | None,
    waves: bool,
    targets: bool,
    compare: bool,
    plots: Path | None,
    effects: tuple[float, ...] | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Simulate whole releases of a policy, through the code that decides real ones.

    A hold is an ending here: nobody resumes. `stopped` are releases rolled back or rejected for
    the candidate's own sake; a shared incident is told apart.

    Exit status: 0 done (with --targets: every target holds), 1 a target is missed, 2 usage or
    configuration, 130 Ctrl-C.
    """
    from canary.cli import simulating
    from canary.simulation.world import UnknownWorldError

    asked = simulating.Asked(
        worlds=worlds,
        releases=releases,
        seed=seed,
        policy=policy,
        region=region,
        workers=workers,
        plots=plots,
        quiet=as_json and not sys.stderr.isatty(),
    )

    modes = {"--waves": waves, "--targets": targets, "--compare": compare, "--effects": effects}
    if conflict := _conflict(modes, plots=plots is not None, worlds=len(worlds)):
        _refuse(conflict)

    tell = _teller(as_json=as_json)
    try:
        if listing:
            simulating.list_worlds(asked, as_json=as_json)
            return
        if waves:
            found = simulating.simulate_waves(asked, tell=tell)
        elif compare:
            from canary.cli import comparing

            found = comparing.compare(asked, tell=tell)
        elif effects:
            found = simulating.simulate_effects(asked, effects, tell=tell)
        else:
            found = simulating.simulate_worlds(asked, targets=targets, tell=tell)
    except UnknownWorldError as error:
        _refuse(str(error))
    except KeyboardInterrupt:
        click.echo("canary simulate: interrupted", err=True)
        sys.exit(_INTERRUPTED)
    if not as_json:
        found.show()
    sys.exit(0 if found.good else 1)


def _teller(*, as_json: bool) -> Callable[[dict[str, Any]], None]:
    def tell(document: dict[str, Any]) -> None:
        if as_json:
            click.echo(json.dumps(document))

    return tell


def _conflict(modes: dict[str, Any], *, plots: bool, worlds: int) -> str:
    """What does not go together in a call; empty when all does."""
    wanted = [name for name, value in modes.items() if value]
    if len(wanted) > 1:
        return f"{' and '.join(wanted)} exclude each other"
    if wanted in (["--effects"], ["--waves"]) and worlds > 1:
        return f"{wanted[0]} goes with one world"
    if plots and wanted in (["--compare"], ["--waves"]):
        return f"--plots does not go with {wanted[0]}"
    return ""


def _refuse(message: str) -> NoReturn:
    click.echo(f"canary simulate: {message}", err=True)
    sys.exit(_USAGE)
