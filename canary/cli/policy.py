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


@policy.command()
@_file
@click.option("--region", default=None, help="A region of the policy (default: its first).")
@click.option(
    "--target",
    type=float,
    default=None,
    help="The improvement to find, as 0.02 for 2 points (default: the primary metric's target).",
)
@click.option(
    "--design-effect",
    type=float,
    default=1.0,
    show_default=True,
    help="1 + (conversations a customer - 1) x their correlation; 1: customers independent.",
)
@_json
def explain(
    *, file: Path, region: str | None, target: float | None, design_effect: float, as_json: bool
) -> None:
    """Say what a policy FILE can find, how long it takes, and what would change that.

    For each gate: P(PASS) of an identical candidate and the deterioration that it refuses, after
    its stage's shortest and longest duration at the policy's volumes. For the registered test:
    power, the least effect of each look, the days each intent needs, the bottleneck. All by normal
    approximations from [baseline]. Exit 0, or 2 for a policy or an option that cannot be read.
    """
    from canary.planning.explain import explain_policy

    loaded = load_policy(file)
    compiled = compile_policy(loaded, region or loaded.regions[0].name)
    wanted = _target(loaded) if target is None else target
    try:
        explanation = explain_policy(compiled, wanted, design_effect=design_effect)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(explanation.as_json(), indent=2, allow_nan=False))
        return
    from canary.cli.explain_tables import print_explanation

    print_explanation(explanation)


def _target(loaded: Policy) -> float:
    """What a better model is hoped to bring on the primary metric, in the metric's own scale."""
    name = loaded.statistics.primary_metric
    stated = next(metric.target for metric in loaded.metrics if metric.name == name)
    if stated is None:
        return loaded.statistics.min_effect
    known = {"completion": loaded.baseline.completion, "csat": loaded.baseline.csat_mean}
    known["click_through"] = loaded.baseline.click_through
    return abs(stated.value) * (known.get(name, 1.0) if stated.unit == "relative" else 1.0)


def _summary(loaded: Policy) -> str:
    ramp = " ".join(f"{stage.rate:.4g}" for stage in loaded.stages)
    regions = ", ".join(region.name for region in loaded.regions)
    triggers = sum(len(metric.triggers) for metric in loaded.metrics)
    return (
        f"{regions}; stages {ramp}; {len(loaded.intents)} intents, "
        f"{len(loaded.metrics)} metrics, {triggers} triggers"
    )
