"""`canary policy`: check a policy file, or show what it says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from canary.policy.compile import compile_policy, load_policy
from canary.policy.model import Policy
from canary.policy.problem import PolicyError

__all__ = ["DEFAULT_POLICY", "policy"]

DEFAULT_POLICY = Path("policy/mangaassist.toml")
_CONFIGURATION = 2

_file = click.argument("file", type=click.Path(path_type=Path), default=DEFAULT_POLICY)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group(no_args_is_help=True)
def policy() -> None:
    """Check and show a release policy."""


@policy.command()
@_file
@_json
def check(*, file: Path, as_json: bool) -> None:
    """Check a policy FILE: exit 0 when it is valid, 2 with a line for each problem."""
    try:
        loaded = load_policy(file)
    except PolicyError as error:
        if not as_json:
            raise
        problems = [
            {"path": each.path, "value": each.value, "expected": each.expected}
            for each in error.problems
        ]
        report = {"file": str(file), "valid": False, "problems": problems}
        click.echo(json.dumps(report, default=str))
        sys.exit(_CONFIGURATION)
    digests = {region.name: compile_policy(loaded, region.name).digest for region in loaded.regions}
    if as_json:
        click.echo(json.dumps({"file": str(file), "valid": True, "versions": digests}))
    else:
        click.echo(f"{file}: valid; {_summary(loaded)}")


@policy.command()
@_file
@click.option("--region", default=None, help="A region of the policy (default: its first).")
@_json
def show(*, file: Path, region: str | None, as_json: bool) -> None:
    """Show what a release in one region reads from a policy FILE."""
    loaded = load_policy(file)
    compiled = compile_policy(loaded, region or loaded.regions[0].name)
    if as_json:
        click.echo(json.dumps(json.loads(compiled.to_json()), indent=2))
        return
    from canary.cli.policy_tables import print_policy

    print_policy(compiled)


def _summary(loaded: Policy) -> str:
    ramp = " ".join(f"{stage.rate:.4g}" for stage in loaded.stages)
    regions = ", ".join(region.name for region in loaded.regions)
    triggers = sum(len(metric.triggers) for metric in loaded.metrics)
    return (
        f"{regions}; stages {ramp}; {len(loaded.intents)} intents, "
        f"{len(loaded.metrics)} metrics, {triggers} triggers"
    )
