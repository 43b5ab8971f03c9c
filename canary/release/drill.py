"""A fire drill: the control model is released to itself at 0%, and must be rolled back in time.

Only pinned conversations of the drill's own meet the canary. What a drill asks of the rollback
stands here; how it is seen is an adapter's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from canary.policy.compiled import CompiledPolicy
from canary.release.model import Phase, ReleaseState
from canary.routing.weights import TrafficForm

__all__ = [
    "ALARM_SECONDS",
    "DRILL_CANDIDATE",
    "ENDING_SECONDS",
    "EVERY_SECONDS",
    "FUNCTION_SECONDS",
    "LONGEST_SECONDS",
    "PINNED_FORM",
    "PREPARE_SECONDS",
    "SAFE_SECONDS",
    "SPREAD_SECONDS",
    "DrillReport",
    "Outcome",
    "Seen",
    "Step",
    "drill_record",
    "due",
    "failures",
]

DRILL_CANDIDATE = "drill"
"""Whose memory drills write: `CANDIDATE#drill`."""
PINNED_FORM = TrafficForm(control=0, canary=100, draw=0)
"""Requests with the canary's header go to the canary; nothing is drawn there."""
PREPARE_SECONDS = 420.0
"""Until one task of the canary set runs control's model and has attested it."""
ALARM_SECONDS = 300.0
"""Until the fault raises the alarm: the load balancer's counts come by the minute, and late."""
SAFE_SECONDS = 60.0
"""A10: from the alarm until all traffic is on the safe arm."""
SPREAD_SECONDS = 20.0
"""Until a load balancer's nodes have all heard of new weights; then a last request is too late."""
ENDING_SECONDS = 90.0
"""Until the steps after the traffic are done and the lock is back: the rules are read once more
20 s after the first time."""
FUNCTION_SECONDS = 900.0
"""How long the function of a drill may run."""
LONGEST_SECONDS = 1200.0
"""Longer than the function of a drill can live: a drill as old as this has been forgotten."""
EVERY_SECONDS = 6.5 * 86_400
"""A scheduled drill is due so long after the last one that passed: once a week."""

Outcome = Literal["running", "passed", "failed", "skipped"]


class Step(StrEnum):
    """What must work, in order; the first that does not is the drill's verdict."""

    START = "start"
    """The lock is free and is taken."""
    EXECUTION = "execution"
    """An execution of the progression runs for the drill, and the rollback stops it."""
    PREPARE = "prepare"
    """A task of the canary set runs the control model and has attested it."""
    PINNED = "pinned"
    """Pinned conversations are answered by the canary."""
    ALARM = "alarm"
    """Conversations that the model refuses raise the critical alarm."""
    ROLLBACK = "rollback"
    """The alarm called the rollback function, which opened its record."""
    WEIGHTS = "weights"
    """All rules are on the safe arm in time."""
    LAST_REQUEST = "last_request"
    """No conversation meets the canary after that."""
    REVOKED = "revoked"
    """The record says that it was rolled back, and why, without a strike."""
    ASSIGNMENT = "assignment"
    """The API's tasks are told that nothing is active."""
    STATUS = "status"
    """The status parameter says `rolled_back`."""
    SESSION_FLAG = "session_flag"
    """The cache's fast copy of the kill switch is off."""
    MEMORY = "memory"
    """The rollback is remembered of `CANDIDATE#drill`, without a strike."""
    DIAGNOSTICS = "diagnostics"
    """Alarms and counters of that moment are kept."""
    TOLD_ON_CALL = "told_on_call"
    """The topic of the person on call took the message."""
    TOLD_ML_ENGINEERS = "told_ml_engineers"
    """The ML engineers' topic took it too."""
    LOCK = "lock"
    """The rollback gave the lock back."""
    CLEAN_UP = "clean_up"
    """Everything is as it was before the drill."""


@dataclass
class DrillReport:
    """What a drill came to. `failures` says of each step that failed why, in the order of steps.

    Moments are epoch seconds. `step` is the one under way, or the first that failed.
    """

    drill_id: str
    started_at: float
    outcome: Outcome = "running"
    step: str = ""
    detail: str = ""
    failures: dict[str, str] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)
    fault_at: float | None = None
    alarm_at: float | None = None
    safe_at: float | None = None
    last_canary_at: float | None = None
    canary_requests: int = 0
    ended_at: float | None = None

    def fail(self, step: Step, why: str) -> None:
        """Note that a step failed; what is known of it already stays."""
        self.failures.setdefault(step.value, why)

    def close(self, at: float) -> None:
        """Judge the drill: it passed when no step failed."""
        known = [step.value for step in Step if step.value in self.failures]
        self.failures = {name: self.failures[name] for name in known}
        self.outcome = "failed" if known else "passed"
        self.step = known[0] if known else ""
        self.detail = self.failures[known[0]] if known else ""
        self.ended_at = at

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the seconds between the moments; null where one did not come."""
        return {**vars(self), "seconds": self.seconds()}

    def seconds(self) -> dict[str, float | None]:
        """Fault to alarm, alarm to weights, alarm to the last request that met the canary."""
        return {
            "fault_to_alarm": _between(self.fault_at, self.alarm_at),
            "alarm_to_safe": _between(self.alarm_at, self.safe_at),
            "alarm_to_last_canary_request": _between(self.alarm_at, self.last_canary_at),
            "whole": _between(self.started_at, self.ended_at),
        }


@dataclass(frozen=True)
class Seen:
    """What stands after a rollback, wherever it can be seen."""

    record: ReleaseState | None
    lock_holder: str | None
    ticked: frozenset[str]
    """The steps that the rollback's record says are done."""
    snapshot: Mapping[str, Any]
    assignment: Mapping[str, Any]
    status: str
    flag: bool | None
    remembered: Mapping[str, bool]
    """The rollbacks of `CANDIDATE#drill` by release, and whether each is a strike."""
    execution: str
    """Its status, as Step Functions has it."""


def drill_record(
    drill_id: str, policy: CompiledPolicy, *, control: str, at: float, before: Mapping[str, Any]
) -> ReleaseState:
    """The first record of a drill: a release of `control` to itself, at no stage and of no test.

    `before` is what stands in the parameters now, and is put back at the end.
    """
    return ReleaseState(
        release_id=drill_id,
        test_id="",
        candidate=control,
        control=control,
        region=policy.region,
        phase=Phase.ADMITTED,
        policy=policy.to_json(),
        policy_digest=policy.digest,
        admitted_at=at,
        drill=dict(before),
    )


def due(last_passed_at: float | None, now: float) -> bool:
    """Whether a scheduled drill is to run now (epoch seconds)."""
    return last_passed_at is None or now - last_passed_at >= EVERY_SECONDS


def failures(drill_id: str, seen: Seen) -> dict[Step, str]:
    """The steps after the traffic that did not have their effect, each with what was seen."""
    found = (*_record(drill_id, seen), *_published(drill_id, seen), *_kept(drill_id, seen))
    return dict(found)


def _record(drill_id: str, seen: Seen) -> Iterator[tuple[Step, str]]:
    record = seen.record
    if record is None or not record.revoked:
        yield Step.REVOKED, "the release's record is not marked"
    elif record.strike:
        yield Step.REVOKED, "the drill counts as a strike"
    if seen.execution != "ABORTED":
        yield Step.EXECUTION, f"the execution is {seen.execution}"
    if seen.lock_holder == drill_id:
        yield Step.LOCK, "the rollback did not give the lock back"


def _published(drill_id: str, seen: Seen) -> Iterator[tuple[Step, str]]:
    told = seen.assignment
    if told.get("release_id") != drill_id or told.get("active"):
        yield Step.ASSIGNMENT, f"the parameter tells of {told.get('release_id') or 'no release'}"
    if seen.status != "rolled_back":
        yield Step.STATUS, f"the parameter says {seen.status}"
    if seen.flag is not False:
        said = "is on" if seen.flag else "is absent"
        yield Step.SESSION_FLAG, f"canary_active {said}"
    for step in (Step.TOLD_ON_CALL, Step.TOLD_ML_ENGINEERS):
        if step.value not in seen.ticked:
            yield step, "the message was not taken"


def _kept(drill_id: str, seen: Seen) -> Iterator[tuple[Step, str]]:
    if drill_id not in seen.remembered:
        yield Step.MEMORY, "the rollback is not remembered"
    elif seen.remembered[drill_id]:
        yield Step.MEMORY, "the rollback is remembered as a strike"
    if not (seen.snapshot.get("alarms") and "counters" in seen.snapshot):
        yield Step.DIAGNOSTICS, "no alarms and counters are kept"


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(end - start, 3)
