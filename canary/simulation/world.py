"""What a simulated release meets: customers, the candidate's true differences, faults.

A world is a TOML file. What it leaves out is today's assistant as the policy's `[baseline]` states
it, and a candidate just like the control.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from canary.policy.compiled import CompiledPolicy
from canary.policy.duration import Duration
from canary.policy.part import Many, Part, Positive
from canary.policy.problem import PolicyError, Problem
from canary.policy.validation import shape_problems

__all__ = [
    "Change",
    "Drift",
    "Fault",
    "IntentChange",
    "Novelty",
    "UnknownWorldError",
    "World",
    "known_worlds",
    "load_world",
]

Share = Annotated[float, Field(ge=0, le=1)]
_DAY = (3, 2, 2, 1, 1, 2, 3, 4, 5, 6, 6, 6, 7, 7, 6, 6, 6, 7, 8, 9, 10, 9, 7, 5)
_TOLERANCE = 1e-9
_WORLDS = "worlds"


class UnknownWorldError(ValueError):
    """No world of that name; the message lists those there are."""


class IntentChange(Part):
    """By how much one intent differs besides."""

    completion: float = Field(description="points of conversations completed")


class Change(Part):
    """By how much something differs; rates in points (fractions of one) unless it says else."""

    completion: float = Field(default=0.0, description="points of conversations completed")
    error: float = Field(default=0.0, description="points of turns that fail")
    throttled: float = Field(default=0.0, description="points of turns that are throttled")
    latency: Positive = Field(default=1.0, description="a factor on every turn's latency")
    hallucination: float = Field(default=0.0, description="points of turns with an invented fact")
    refused: float = Field(default=0.0, description="points of turns refused for safety")
    fallback: float = Field(default=0.0, description="points of turns answered by a fallback")
    cart_abandonment: float = Field(default=0.0, description="points of carts abandoned")
    csat: float = Field(default=0.0, description="of the mean score, relative")
    survey_response: float = Field(default=0.0, description="of the response rate, relative")
    regional: float = Field(default=0.0, description="points of a region's own criteria")


class Fault(Change):
    """Something breaks for a while."""

    arms: Literal["canary", "both"] = Field(default="canary", description="canary or both")
    after: Duration = Field(description="from the first exposure on")
    lasts: Duration | None = Field(default=None, description="how long; absent: it stays")


class Novelty(Part):
    """An effect on completion that wears off as a customer gets used to the candidate."""

    completion: float = Field(description="points at a customer's first contact")
    half_life: Duration = Field(description="after which half of it is left")


class Drift(Part):
    """Both arms' completion changes with time, and not with the candidate."""

    after: Duration = Field(description="from the first exposure on")
    completion: float = Field(description="points, in both arms alike")


class World(Part):
    """Everything that a policy cannot choose."""

    description: str = Field(description="one sentence")
    hypothesis: Literal["superiority", "non_inferiority"] | None = Field(
        default=None, description="what the release registers; absent: the policy's own"
    )
    start_hour: Annotated[int, Field(ge=0, le=167)] | None = Field(
        default=None,
        description="hour of the week (0 is Monday 00:00) of the first exposure; absent: any",
    )
    volume: Positive = Field(default=1.0, description="a factor on the policy's volumes")
    hours: Many[Positive] = Field(default=_DAY, description="24 weights, from midnight on")
    weekdays: Many[Positive] = Field(
        default=(1.0, 0.95, 1.0, 0.95, 1.05, 1.2, 1.2), description="7 weights, from Monday on"
    )
    wednesday: Positive = Field(
        default=1.6, description="a factor on Wednesday evenings, when volumes appear"
    )
    customers: Many[Share] = Field(
        default=(0.65, 0.2, 0.15),
        description="shares of customers with 1, 2, 3 conversations, summing to 1",
    )
    correlation: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.1, description="of one customer's outcomes with each other"
    )
    overdispersion: Share = Field(
        default=0.0, description="of the rate of failing turns from window to window, both arms"
    )
    unresolved: Share = Field(
        default=0.0, description="share of completed conversations whose outcome comes too late"
    )
    control: dict[str, Share] = Field(
        default_factory=dict, description="control's completion by intent"
    )
    candidate: Change = Change()
    intents: dict[str, IntentChange] = Field(
        default_factory=dict, description="the candidate's change in one intent, besides"
    )
    weekend: Change = Field(default=Change(), description="the candidate's, on weekends, besides")
    novelty: Novelty | None = None
    response_by_score: Many[Positive] | None = Field(
        default=None,
        description="factors on the canary's survey response by the score 1, 2, 3, 4",
    )
    drifts: Many[Drift] = ()
    faults: Many[Fault] = ()

    @property
    def onset(self) -> float | None:
        """Seconds after the first exposure at which the candidate first does harm of its own."""
        own = [fault.after for fault in self.faults if fault.arms == "canary"]
        return min(own, default=None)

    @property
    def hurts(self) -> str:
        """What the candidate's own faults, or its differences, hurt most; empty for nothing."""
        own = [fault for fault in self.faults if fault.arms == "canary"]
        for change in (*own, self.candidate):
            worse = {
                "error": change.error,
                "slow": change.latency - 1,
                "throttled": change.throttled,
                "hallucination": change.hallucination,
                "csat": -change.csat,
                "completion": -change.completion,
            }
            name, size = max(worse.items(), key=lambda item: item[1])
            if size > 0:
                return name
        return ""


def known_worlds() -> tuple[str, ...]:
    """The worlds that come with the product."""
    files = resources.files("canary.simulation").joinpath(_WORLDS).iterdir()
    return tuple(sorted(Path(each.name).stem for each in files if each.name.endswith(".toml")))


def load_world(name_or_file: str, policy: CompiledPolicy) -> World:
    """The world of that name, or in that file (a name with `.toml` or a slash in it).

    Raises `UnknownWorldError`, and `PolicyError` for a file that says what cannot be, or speaks of
    an intent that the policy lacks.
    """
    if name_or_file.endswith(".toml") or "/" in name_or_file:
        path = Path(name_or_file)
        if not path.is_file():
            raise UnknownWorldError(f"{name_or_file}: no such file; {_those()}")
        text = path.read_text(encoding="utf-8")
    else:
        if name_or_file not in known_worlds():
            raise UnknownWorldError(f"{name_or_file}: no such world; {_those()}")
        place = resources.files("canary.simulation").joinpath(_WORLDS, f"{name_or_file}.toml")
        text = place.read_text(encoding="utf-8")
    try:
        world = World.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([Problem("file", None, str(error))], name_or_file) from error
    except ValidationError as error:
        raise PolicyError(shape_problems(error, World), name_or_file) from error
    if problems := _problems(world, policy):
        raise PolicyError(problems, name_or_file)
    return world


def _those() -> str:
    return f"there are {', '.join(known_worlds())}, or name a file: --world my-world.toml"


def _problems(world: World, policy: CompiledPolicy) -> list[Problem]:
    problems = [
        Problem(name, len(values), f"{count} values")
        for name, values, count in (
            ("hours", world.hours, 24),
            ("weekdays", world.weekdays, 7),
            ("customers", world.customers, 3),
            ("response_by_score", world.response_by_score or (1, 1, 1, 1), 4),
        )
        if len(values) != count
    ]
    if abs(sum(world.customers) - 1) > _TOLERANCE:
        problems.append(Problem("customers", sum(world.customers), "shares that sum to 1"))
    known = {intent.name for intent in policy.intents}
    for table, names in (("control", world.control), ("intents", world.intents)):
        problems += [
            Problem(f"{table}.{name}", name, f"one of {', '.join(sorted(known))}")
            for name in names
            if name not in known
        ]
    return problems
