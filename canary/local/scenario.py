"""What an embedded region can be put through, one TOML file each, read and checked as one thing.

Times are virtual minutes, measured from the release's start; `seed` makes every draw repeatable.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from canary.policy.part import Many, Name, Part, Positive
from canary.policy.problem import PolicyError, Problem
from canary.policy.validation import shape_problems

__all__ = [
    "SCENARIOS",
    "Expect",
    "Fault",
    "FaultKind",
    "Load",
    "Phase",
    "Scenario",
    "UnknownScenarioError",
    "known_scenarios",
    "load_scenario",
    "named_scenario",
    "validate_scenario",
]

SCENARIOS = Path(__file__).parents[2] / "scenarios"
"""The scenarios that come with the product."""

FaultKind = Literal[
    "shared_incident",
    "redis_down",
    "classifier_down",
    "model_down",
    "task_set_killed",
    "assignment_unreadable",
]
Share = Annotated[float, Field(ge=0, le=1)]
Minutes = Annotated[float, Field(ge=0)]
_MOST_TURNS = 5
_TOLERANCE = 1e-9


class UnknownScenarioError(ValueError):
    """No scenario of that name; the message lists those there are."""


class Expect(Part):
    """What the run must come to."""

    outcome: Literal["PROMOTED", "ROLLED_BACK", "HELD", "REJECTED"] = Field(
        description="PROMOTED, ROLLED_BACK, HELD or REJECTED"
    )
    by: Literal["alarm", "analyse", "progression", "operator"] | None = Field(
        default=None,
        description=(
            "who asked for the rollback first: alarm (the critical composite's own action), "
            "analyse (a warning that stayed), progression (a look), operator; absent: anybody"
        ),
    )


class Load(Part):
    """The customers."""

    conversations_per_second: Positive = Field(
        default=50.0, description="new conversations a virtual minute"
    )
    returning: Share = Field(
        default=0.2, description="share of conversations of a customer who was there before"
    )
    turns: Many[Share] = Field(
        default=(0.6, 0.3, 0.1),
        description="shares of conversations of 1, 2, 3 turns, summing to 1",
    )
    think_seconds: Positive = Field(
        default=20.0, description="virtual seconds between an answer and the next message"
    )


class _Timed(Part):
    """Something that begins at a stage, at a minute, or some minutes into a stage."""

    from_stage: int | None = Field(
        default=None, ge=0, le=100, description="a stage's rate in percent, 0 to 100"
    )
    from_minute: Minutes = Field(
        default=0.0,
        description="virtual minutes since the release began, or since from_stage was reached",
    )
    minutes: Positive | None = Field(
        default=None, description="how long it lasts; absent: to the end"
    )


class Phase(_Timed):
    """How one model behaves from some point on; what is not named stays as it was."""

    arm: Literal["control", "canary"] = Field(
        description="control (the current model) or canary (the candidate)"
    )
    intents: Many[Name] = Field(default=(), description="the intents it holds for; none: all")
    error_rate: Share | None = Field(default=None, description="share of calls that fail with 5xx")
    latency_p50_ms: Positive | None = Field(default=None, description="median, simulated ms")
    latency_sigma: Positive | None = Field(
        default=None, description="standard deviation of the latency's logarithm"
    )
    throttle_rate: Share | None = Field(default=None, description="share of calls answered 429")
    refusal_rate: Share | None = Field(
        default=None, description="share of answers that the guardrail replaces by its own message"
    )
    hallucination_rate: Share | None = Field(
        default=None, description="share of answers that name a title that does not exist"
    )
    completion: Share | None = Field(default=None, description="share of conversations completed")
    csat: Annotated[float, Field(ge=1, le=4)] | None = Field(
        default=None, description="mean satisfaction, 1 to 4"
    )
    click_through: Share | None = Field(default=None, description="share that click")
    cart_abandonment: Share | None = Field(default=None, description="share of carts left behind")


class Fault(_Timed):
    """Something that breaks beside the models; the runner starts and ends it."""

    kind: FaultKind = Field(
        description=(
            "shared_incident, redis_down, classifier_down, model_down, task_set_killed or "
            "assignment_unreadable"
        )
    )
    error_rate: Share = Field(
        default=0.5, description="shared_incident: share of both models' calls that fail"
    )
    arm: Literal["control", "canary"] = Field(
        default="canary", description="model_down: the current model or the candidate"
    )
    task_set: Literal["primary", "canary"] = Field(
        default="canary", description="task_set_killed: primary or canary"
    )


class Scenario(Part):
    """One thing to put a release through."""

    name: Name = Field(description="the file's name without .toml")
    description: str = Field(min_length=1, description="one sentence for the list of scenarios")
    seed: int = Field(ge=0, description="a whole number; the same seed gives the same draws")
    horizon_minutes: Positive = Field(description="virtual minutes after which the run is judged")
    expect: Expect
    load: Load = Load()
    pace: dict[str, Any] = Field(
        default_factory=dict, description="what docs/reference/policy.md says"
    )
    phase: Many[Phase] = ()
    fault: Many[Fault] = ()


def load_scenario(path: Path) -> Scenario:
    """Read a scenario's file, and the pace of the scenario beside it that its pace is `like`.

    Raises `PolicyError` with every problem of its content, also when it is not TOML or not there.
    """
    values = _read(path)
    pace = values.get("pace")
    if isinstance(pace, dict) and "like" in pace:
        values["pace"] = _pace_like(path, pace)
    return validate_scenario({"name": path.stem, **values}, str(path))


def validate_scenario(values: Mapping[str, Any], source: str = "scenario") -> Scenario:
    """The scenario that `values` state. Raises `PolicyError` with every problem found."""
    try:
        scenario = Scenario.model_validate(values)
    except ValidationError as error:
        raise PolicyError(shape_problems(error, Scenario), source) from None
    problems = [
        *_expect_problems(scenario.expect),
        *_load_problems(scenario.load),
        *_phase_problems(scenario),
    ]
    if problems:
        raise PolicyError(problems, source)
    return scenario


def known_scenarios(folder: Path) -> dict[str, Path]:
    """The scenarios of a folder by name, in alphabetical order."""
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def named_scenario(name: str, folder: Path) -> Scenario:
    """The scenario of that name. Raises `UnknownScenarioError` or `PolicyError`."""
    known = known_scenarios(folder)
    if name not in known:
        raise UnknownScenarioError(
            f"no scenario {name!r}; the scenarios are {', '.join(known) or '(none)'}"
        )
    return load_scenario(known[name])


def _pace_like(path: Path, pace: Mapping[str, Any]) -> dict[str, Any]:
    """The other scenario's pace under the keys of this one; one step, no chains."""
    others = {**known_scenarios(SCENARIOS), **known_scenarios(path.parent)}
    others.pop(path.stem, None)
    name = pace["like"]
    if name not in others:
        expected = f"a known scenario: {', '.join(others) or '(none)'}"
        raise PolicyError([Problem("pace.like", name, expected)], str(path))
    base = _read(others[name]).get("pace", {})
    if "like" in base:
        expected = f"a scenario that states its own pace, unlike {name}"
        raise PolicyError([Problem("pace.like", name, expected)], str(path))
    return {**base, **{key: value for key, value in pace.items() if key != "like"}}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        expected = f"a readable file ({error.strerror or 'cannot be read'})"
    except UnicodeDecodeError:
        expected = "text in UTF-8"
    except tomllib.TOMLDecodeError as error:
        expected = f"TOML ({error})"
    raise PolicyError([Problem("file", str(path), expected)], str(path))


def _expect_problems(expect: Expect) -> list[Problem]:
    if expect.by and expect.outcome not in ("ROLLED_BACK", "REJECTED"):
        return [Problem("expect.by", expect.by, f"nobody: {expect.outcome} is no rollback")]
    return []


def _load_problems(load: Load) -> list[Problem]:
    shares = load.turns
    if not 1 <= len(shares) <= _MOST_TURNS:
        return [Problem("load.turns", list(shares), f"1 to {_MOST_TURNS} shares")]
    if abs(sum(shares) - 1) > _TOLERANCE:
        return [Problem("load.turns", list(shares), f"shares that sum to 1, not {sum(shares):g}")]
    return []


def _phase_problems(scenario: Scenario) -> list[Problem]:
    changes = set(Phase.model_fields) - set(_Timed.model_fields) - {"arm", "intents"}
    problems = [
        Problem(f"phase[{index}]", phase.arm, f"at least one of {', '.join(sorted(changes))}")
        for index, phase in enumerate(scenario.phase)
        if not changes & phase.model_fields_set
    ]
    begun: list[tuple[str, _Timed]] = [
        (f"phase[{i}]", each) for i, each in enumerate(scenario.phase)
    ]
    begun += [(f"fault[{i}]", each) for i, each in enumerate(scenario.fault)]
    for path, each in begun:
        if each.from_stage is None and each.from_minute >= scenario.horizon_minutes:
            problems.append(
                Problem(
                    f"{path}.from_minute",
                    each.from_minute,
                    f"before the horizon, {scenario.horizon_minutes:g}",
                )
            )
    return problems
