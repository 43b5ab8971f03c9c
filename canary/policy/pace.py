"""A scenario's pace: what the embedded region shortens of a compiled policy.

Alphas, bounds, alarms, rates and the number of looks have no key here and cannot be changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from canary.policy.compiled import CompiledPolicy, Scope, Unit
from canary.policy.duration import Duration
from canary.policy.pace_changes import WAITS, Pacing
from canary.policy.part import Many, Part, Positive
from canary.policy.problem import PolicyError
from canary.policy.validation import shape_problems

__all__ = ["GatePace", "Pace", "StagePace", "apply_pace"]

Wait = Annotated[Duration, Field(ge=1)]
Fractions = Many[Annotated[float, Field(gt=0, le=1)]]


class StagePace(Part):
    """How long one stage lasts instead."""

    minimum: Wait | None = None
    maximum: Wait | None = None


class GatePace(Part):
    """Selects gates, and says what they ask instead."""

    metric: str = Field(description="a metric that has gates")
    leaving: Many[int] = Field(default=(), description="stages; absent: all")
    scope: Scope | None = Field(default=None, description="absent: all")
    unit: Unit | None = Field(default=None, description="absent: all; needed with limit")
    kind: Literal["must_not_fail"] | None = None
    limit: float | None = Field(default=None, description="of the same sign as before")
    min_sample: int | None = Field(default=None, ge=0)


class Pace(Part):
    """The `[pace]` table of a scenario."""

    daily_conversations: Positive | None = None
    test: Wait | None = None
    looks: Fractions | None = Field(default=None, description="rising fractions of test, 1 at last")
    bake_poll: Wait | None = None
    shared_lift: Wait | None = None
    shared_rollback: Wait | None = None
    silence: Wait | None = None
    soak: Duration | None = None
    cooldown: Wait | None = None
    hold_after_rollback: Wait | None = None
    approval: Wait | None = None
    evaluation_poll: Wait | None = None
    stages: dict[str, StagePace] = Field(default={}, description="by stage index")
    outcome_windows: dict[str, Wait] = Field(default={}, description="by metric")
    harm_windows: dict[str, Wait] = Field(default={}, description="by trigger")
    escalate_after: dict[str, Wait] = Field(default={}, description="by trigger")
    gates: Many[GatePace] = ()


def apply_pace(policy: CompiledPolicy, values: Mapping[str, Any]) -> CompiledPolicy:
    """The policy at that pace, with a sentence for each change.

    Raises `PolicyError` with every problem of the pace.
    """
    try:
        pace = Pace.model_validate(values)
    except ValidationError as error:
        raise PolicyError(shape_problems(error, Pace, ("pace",)), policy.name) from None
    pacing = Pacing(policy)
    if pace.daily_conversations is not None:
        pacing.set_volume(pace.daily_conversations)
    for name, stage in pace.stages.items():
        pacing.set_stage(name, stage.minimum, stage.maximum)
    pacing.set_hold_after_rollback(pace.hold_after_rollback)
    pacing.set_test(pace.test, pace.looks)
    for key in WAITS:
        if (seconds := getattr(pace, key)) is not None:
            pacing.set_wait(key, seconds)
    for durations, change in (
        (pace.outcome_windows, pacing.set_outcome_window),
        (pace.harm_windows, pacing.set_harm_window),
        (pace.escalate_after, pacing.set_escalation),
    ):
        for name, seconds in durations.items():
            change(name, seconds)
    for index, gate in enumerate(pace.gates):
        pacing.set_gates(index, **dict(gate))
    pacing.check_whole()
    if pacing.problems:
        raise PolicyError(pacing.problems, policy.name)
    return replace(pacing.policy, changes=tuple(pacing.changes))
