"""`canary local`: a whole release on this machine, from the synthesized templates."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Literal, NoReturn

import click

__all__ = ["local"]

_USAGE = 2
_INTERRUPTED = 130


@click.command()
@click.option("--scenario", "name", default=None, help="A scenario of scenarios/ (default: good).")
@click.option(
    "--scenario-file",
    "file",
    type=click.Path(path_type=Path),
    default=None,
    help="A scenario of your own.",
)
@click.option("--list", "listing", is_flag=True, help="List the scenarios and stop.")
@click.option("--inventory", is_flag=True, help="List how each resource type is run, and stop.")
@click.option("--policy", type=click.Path(path_type=Path), default=None, help="A release policy.")
@click.option("--region", default=None, help="A region of the policy (default: its first).")
@click.option(
    "--routing",
    type=click.Choice(["application", "alb"]),
    default=None,
    help="Who draws the arm of a new conversation (default: the policy's).",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the live page.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on the last line.")
def local(
    *,
    name: str | None,
    file: Path | None,
    policy: Path | None,
    region: str | None,
    routing: Literal["application", "alb"] | None,
    port: int,
    listing: bool,
    inventory: bool,
    as_json: bool,
) -> None:
    """Run a release through the region's own templates, handlers and services on this machine.

    Exit status: 0 the expected outcome, 1 another outcome, 2 usage or configuration, 130 Ctrl-C.
    """
    from canary.local.commands import LocalError, Options, list_inventory, list_scenarios, run

    if name and file:
        _refuse("--scenario and --scenario-file exclude each other")
    options = Options(
        scenario=name or "good",
        scenario_file=file,
        policy=policy,
        region=region,
        routing=routing,
        port=port,
        stream=sys.stderr if as_json else sys.stdout,
    )
    try:
        if listing:
            click.echo(list_scenarios())
            return
        if inventory:
            click.echo(list_inventory(options, as_json=as_json))
            return
        result = run(options)
    except LocalError as error:
        _refuse(str(error))
    except KeyboardInterrupt:
        click.echo("canary local: interrupted; everything it started is stopped", err=True)
        sys.exit(_INTERRUPTED)
    if as_json:
        click.echo(json.dumps(result.to_dict()))
    sys.exit(0 if result.expected else 1)


def _refuse(message: str) -> NoReturn:
    click.echo(f"canary local: {message}", err=True)
    sys.exit(_USAGE)
