"""`canary samplesize`: how many conversations a comparison needs, and how many days that is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from canary.cli.policy import DEFAULT_POLICY
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy

__all__ = ["samplesize"]


@click.command()
@click.option("--baseline", type=float, default=None, help="Control's rate, or with --sd its mean.")
@click.option("--mde", type=float, default=None, help="The change to find: 0.02 is +2 points.")
@click.option("--margin", type=float, default=None, help="Show non-inferiority by this margin.")
@click.option("--sd", type=float, default=None, help="Compare means with this deviation instead.")
@click.option("--lower-is-better", is_flag=True, help="A higher value is the worse one.")
@click.option("--alpha", type=float, default=None, help="Level (default: .05, or .025 a side).")
@click.option("--power", type=float, default=0.8, show_default=True)
@click.option(
    "--sides", type=click.Choice(["1", "2"]), default=None, help="Default: 2; 1 a margin."
)
@click.option("--share", type=float, default=0.5, show_default=True, help="The canary's share.")
@click.option("--pooled", is_flag=True, help="Size the score test; default: the unpooled z test.")
@click.option("--rate", type=float, default=None, help="Days at this rate instead of the policy's.")
@click.option(
    "--design-effect",
    type=float,
    default=1.0,
    show_default=True,
    help="1 + (conversations a customer - 1) x their correlation; 1: customers independent.",
)
@click.option(
    "--observed",
    type=float,
    default=1.0,
    show_default=True,
    help="The share of conversations that count, as 0.1 where one in ten answers the survey.",
)
@click.option(
    "--policy",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help=f"Days at the volumes of this file (default: {DEFAULT_POLICY}, where it exists).",
)
@click.option("--region", default=None, help="A region of the policy (default: its first).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def samplesize(
    *,
    baseline: float | None,
    mde: float | None,
    margin: float | None,
    sd: float | None,
    lower_is_better: bool,
    alpha: float | None,
    power: float,
    sides: str | None,
    share: float,
    pooled: bool,
    rate: float | None,
    design_effect: float,
    observed: float,
    file: Path | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Say how many conversations an arm needs, and how many days for each intent.

    By default superiority on task completion: --baseline from the policy's baseline, --mde 0.02,
    two-sided .05. With --margin non-inferiority, one-sided .025, of a candidate that truly changes
    by --mde (default 0). Days are at the policy's volumes and each stage's rates. Sizes are exact
    normal quantiles, each arm rounded up; alpha is spent at one look.

    \b
    canary samplesize --baseline 0.78 --mde 0.02              6507 conversations an arm
    canary samplesize --margin 0.01 --share 0.05              at the 5% stage's allocation
    canary samplesize --baseline 3.2 --sd 0.9 --mde 0.1 --observed 0.1       satisfaction

    Exit 0, or 2 for an option that no sample satisfies, or a policy that cannot be read.
    """  # noqa: D301 - click's own escape keeps the examples' lines
    from canary.planning.samples import Question, plan_samples

    compiled = _policy(file, region)
    if baseline is None:
        if sd is not None or compiled is None:
            raise click.UsageError("--baseline: control's rate or mean is needed, as 0.78")
        baseline = compiled.baseline.completion
    if mde is None:
        mde = 0.0 if margin is not None else 0.02
    chosen = int(sides) if sides else 1 if margin is not None else 2
    question = Question(
        baseline=baseline,
        effect=mde,
        deviation=sd,
        margin=margin,
        lower_is_better=lower_is_better,
        alpha=alpha if alpha is not None else 0.05 / (3 - chosen),
        power=power,
        sides=1 if chosen == 1 else 2,
        pooled=pooled,
        design_effect=design_effect,
        observed=observed,
    )
    try:
        plan = plan_samples(question, share, compiled, rate_everywhere=rate)
    except ValueError as error:
        raise click.UsageError(_spoken(str(error))) from error
    if as_json:
        document = {"question": vars(question), **plan.as_json()}
        document |= {"policy": compiled.name, "region": compiled.region} if compiled else {}
        click.echo(json.dumps(document, indent=2, allow_nan=False))
        return
    from canary.cli.samplesize_table import print_samples

    print_samples(question, plan, compiled)


def _spoken(message: str) -> str:
    """A refusal of the statistics with the option's name in place of the argument's."""
    name, colon, rest = message.partition(":")
    options = {"p_control": "--baseline", "sd_control": "--sd", "design_effect": "--design-effect"}
    known = ("alpha", "power", "margin", "share", "rate", "observed", "mde")
    options |= {each: f"--{each}" for each in known}
    return f"{options.get(name, name)}{colon}{rest}"


def _policy(file: Path | None, region: str | None) -> CompiledPolicy | None:
    """The policy asked for; without a word the default one where there is one."""
    if file is None and region is None and not DEFAULT_POLICY.exists():
        return None
    loaded = load_policy(file or DEFAULT_POLICY)
    return compile_policy(loaded, region or loaded.regions[0].name)
