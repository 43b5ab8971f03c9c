"""`canary simulate`: how often a policy is wrong, before a customer meets it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from canary.cli.policy import DEFAULT_POLICY

__all__ = ["simulate"]

_USAGE = 2
_INTERRUPTED = 130


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
    "--plots",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    metavar="DIRECTORY",
    help="Draw outcomes and delays of detection there (SVG).",
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
    plots: Path | None,
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

    def tell(document: dict[str, Any]) -> None:
        if as_json:
            click.echo(json.dumps(document))

    try:
        if listing:
            simulating.list_worlds(asked, as_json=as_json)
            return
        if waves:
            found = simulating.simulate_waves(asked, tell=tell)
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


def _refuse(message: str) -> NoReturn:
    click.echo(f"canary simulate: {message}", err=True)
    sys.exit(_USAGE)
