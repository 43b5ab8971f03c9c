"""What must be done, in the order given; each is idempotent, so a crash may repeat it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from canary.release.model import Cause, ReleaseState
from canary.routing.parameter import AssignmentParameter
from canary.routing.weights import TrafficForm

__all__ = [
    "Action",
    "Audience",
    "AwaitPolls",
    "CaptureDiagnostics",
    "Notify",
    "Outcome",
    "PublishAssignment",
    "PublishStatus",
    "RememberCandidate",
    "Save",
    "SetSessionFlag",
    "Shift",
    "StartRollback",
    "StopExecution",
]

Audience = Literal["on_call", "ml_engineers"]


@dataclass(frozen=True)
class Save:
    """Write the new record if the stored one still has the version decided upon.

    The lock follows in the same write, and goes with it when the release is over.
    """


@dataclass(frozen=True)
class Shift:
    """Put the three listener rules into this form."""

    form: TrafficForm


@dataclass(frozen=True)
class PublishAssignment:
    """Write the assignment parameter."""

    parameter: AssignmentParameter


@dataclass(frozen=True)
class PublishStatus:
    """Write the status parameter: a phase's name in lower case."""

    status: str


@dataclass(frozen=True)
class SetSessionFlag:
    """Set Redis's fast copy of whether a canary is active."""

    active: bool


@dataclass(frozen=True)
class AwaitPolls:
    """Wait until every API task has read the parameter just written."""

    seconds: float


@dataclass(frozen=True)
class RememberCandidate:
    """Add a rollback to the candidate's memory; `rejected` bars it from another release."""

    model_id: str
    release_id: str
    at: float
    cause: Cause
    strike: bool
    rejected: bool


@dataclass(frozen=True)
class CaptureDiagnostics:
    """Store what a person needs to find the root cause."""

    cause: Cause
    detail: str
    alarms: tuple[str, ...]


@dataclass(frozen=True)
class Notify:
    """Tell people."""

    audience: Audience
    subject: str
    text: str


@dataclass(frozen=True)
class StartRollback:
    """Call the rollback function asynchronously: the caller itself may not move traffic."""

    cause: Cause
    strike: bool
    detail: str
    reject: bool = False


@dataclass(frozen=True)
class StopExecution:
    """Stop the progression; done last, because it may stop the caller."""

    execution_arn: str
    cause: str


Action = (
    Save
    | Shift
    | PublishAssignment
    | PublishStatus
    | SetSessionFlag
    | AwaitPolls
    | RememberCandidate
    | CaptureDiagnostics
    | Notify
    | StartRollback
    | StopExecution
)

Outcome = tuple[ReleaseState, tuple[Action, ...]]
"""The record after an event, and what must be done."""
