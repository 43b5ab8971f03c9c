"""What can have happened to a release. Each is a fact in the past tense; `at` is epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from canary.release.model import Cause, DecisionKind

__all__ = [
    "AlarmPaused",
    "ApprovalAsked",
    "ApprovalDenied",
    "Approved",
    "ArmsWatched",
    "CycleStarted",
    "Event",
    "LookTaken",
    "MachineryFailed",
    "OperatorHeld",
    "PrimaryReplaced",
    "PromotionBegun",
    "PromotionFinished",
    "PromotionOrdered",
    "PromotionShifted",
    "Resumed",
    "RollbackRequested",
    "StageOrdered",
    "TrafficShifted",
]


@dataclass(frozen=True)
class CycleStarted:
    """A task set is about to load another model: attestations must be younger than `at`."""

    at: float


@dataclass(frozen=True)
class StageOrdered:
    """The progression has asked for the traffic of `stage`."""

    at: float
    stage: int


@dataclass(frozen=True)
class TrafficShifted:
    """The listener rules carry the weights of `stage`, and the rates are published."""

    at: float
    stage: int


@dataclass(frozen=True)
class LookTaken:
    """A look has been evaluated; `decision` is its `to_dict`. `None` leaves the record's value.

    `looks_done`, `benefit`, `v_max` and `blocks_judged` replace the record's, of which `v_max`,
    `benefit`, `p_value` and `consent` are never changed again; `information` is added to the
    looks' information.
    """

    at: float
    kind: DecisionKind
    decision: dict[str, Any]
    cause: Cause | None = None
    detail: str = ""
    alarms: tuple[str, ...] = ()
    looks_done: int | None = None
    information: float | None = None
    benefit: bool | None = None
    p_value: float | None = None
    consent: bool | None = None
    v_max: float | None = None
    blocks_judged: int | None = None
    extension: str = ""
    """The rule that extends the test until `extended_until` (epoch seconds)."""
    extended_until: float | None = None
    rule: str = ""
    hold_until: float | None = None
    """For a hold: the rule that asks for it, and by when its root cause is wanted."""


@dataclass(frozen=True)
class AlarmPaused:
    """Warnings have gone into ALARM; `cause` is WARNING, SHARED or SILENCE."""

    at: float
    alarms: tuple[str, ...]
    cause: Cause = Cause.WARNING
    detail: str = ""


@dataclass(frozen=True)
class ArmsWatched:
    """Both arms were looked at during a shared hold: `ok` when no shared alarm is in ALARM."""

    at: float
    ok: bool


@dataclass(frozen=True)
class Resumed:
    """A person has lifted a hold."""

    at: float
    by: str = ""


@dataclass(frozen=True)
class OperatorHeld:
    """A person has asked for a hold."""

    at: float
    detail: str = ""


@dataclass(frozen=True)
class ApprovalAsked:
    """A person is being asked, in one execution of the pipeline; no earlier answer counts then."""

    at: float
    execution_id: str = ""


@dataclass(frozen=True)
class Approved:
    """A person said yes to the question of one execution."""

    at: float
    by: str = ""
    execution_id: str = ""


@dataclass(frozen=True)
class ApprovalDenied:
    """A person said no, or nobody answered in time."""

    at: float
    detail: str = ""


@dataclass(frozen=True)
class PromotionOrdered:
    """Every canary task attested at full scale: all rules are to go to the canary (step 2)."""

    at: float


@dataclass(frozen=True)
class PromotionShifted:
    """All three rules are on the canary: the soak has started (step 3)."""

    at: float


@dataclass(frozen=True)
class PromotionBegun:
    """The soak was good: the point of no return (step 4)."""

    at: float


@dataclass(frozen=True)
class PrimaryReplaced:
    """Every primary task attested the new model: traffic is to go back to it (step 6)."""

    at: float


@dataclass(frozen=True)
class PromotionFinished:
    """Traffic is on the new primary and nothing is left for the canary to do (step 7)."""

    at: float


@dataclass(frozen=True)
class RollbackRequested:
    """An alarm, the statistics, a person or the machinery wants traffic off the canary."""

    at: float
    cause: Cause
    strike: bool = True
    reject: bool = False
    detail: str = ""
    alarms: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class MachineryFailed:
    """A step failed after all its retries; `alarms_ok` when no guardrail alarm is in ALARM."""

    at: float
    alarms_ok: bool
    detail: str = ""


Event = (
    CycleStarted
    | StageOrdered
    | TrafficShifted
    | LookTaken
    | AlarmPaused
    | ArmsWatched
    | Resumed
    | OperatorHeld
    | ApprovalAsked
    | Approved
    | ApprovalDenied
    | PromotionOrdered
    | PromotionShifted
    | PromotionBegun
    | PrimaryReplaced
    | PromotionFinished
    | RollbackRequested
    | MachineryFailed
)
