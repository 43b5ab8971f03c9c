"""A release as data: its phases, its record, and what may happen to it.

Standard library only: the functions without a layer import this.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

__all__ = ["TERMINAL", "Arm", "Cause", "DecisionKind", "Hold", "Phase", "ReleaseState"]

Arm = Literal["control", "canary"]
SafeArm = Literal["primary", "canary"]


class Phase(StrEnum):
    """Where a release stands."""

    ADMITTED = "ADMITTED"
    """The lock is held, the policy is copied; no task or traffic was touched."""
    PREPARING = "PREPARING"
    """The canary task set goes through the scale cycle to the candidate."""
    SHIFTING = "SHIFTING"
    """Weights and rates are being moved to the next stage."""
    BAKING = "BAKING"
    """Traffic is at a stage; looks decide."""
    HELD = "HELD"
    """Traffic stays where it is until a person, or the end of a shared incident, lifts it."""
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    """A person is asked whether 50% becomes 100%."""
    PROMOTING = "PROMOTING"
    """Past the point of no return: the canary is the safe arm, the primary set is being changed."""
    PROMOTED = "PROMOTED"
    """The candidate is the control model now."""
    ROLLED_BACK = "ROLLED_BACK"
    """Traffic went back to the old model."""
    REJECTED = "REJECTED"
    """The candidate lost the test: traffic went back, the same candidate is not tried again."""


TERMINAL = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.REJECTED})


class DecisionKind(StrEnum):
    """What a look decides."""

    ADVANCE = "ADVANCE"
    HOLD = "HOLD"
    EXTEND = "EXTEND"
    ROLLBACK = "ROLLBACK"
    REJECT = "REJECT"
    PROMOTE = "PROMOTE"


class Cause(StrEnum):
    """Why a release was held, rolled back or rejected."""

    CRITICAL_ALARM = "critical_alarm"
    WARNING = "warning"
    SHARED = "shared"
    SILENCE = "silence"
    ESCALATED = "escalated"
    HARM_SEQUENCE = "harm_sequence"
    GATE = "gate"
    SIGNALS = "signals"
    """No gate failed, but the data ask for a person: mixed signals, or an unstable effect."""
    OPERATOR = "operator"
    MACHINERY = "machinery"
    APPROVAL = "approval"


@dataclass(frozen=True)
class Hold:
    """A pause: why, by which alarms, since when (epoch seconds), and the phase it interrupted."""

    cause: Cause
    alarms: tuple[str, ...]
    since: float
    resume_to: Phase
    detail: str = ""
    rule: str = ""
    """For `cause = signals`: the rule that asked, and that a person's resume settles."""
    until: float | None = None
    """By when the root cause is wanted; later the hold is overdue, and stays."""
    both_ok_since: float | None = None
    """For `cause = shared`: since when both arms have been OK, else None."""


@dataclass(frozen=True)
class ReleaseState:
    """The record of one release (item RELEASE#id). Times are epoch seconds.

    `stage` is the stage in force (traffic moved there), `safe_arm` where a rollback sends traffic.
    `version` grows by one with each write and guards it.
    """

    release_id: str
    test_id: str
    candidate: str
    control: str
    region: str
    phase: Phase
    policy: str
    policy_digest: str
    admitted_at: float
    execution_arn: str = ""
    stage: int = 0
    target_stage: int | None = None
    """While traffic is being moved: where to."""
    stage_started_at: float | None = None
    block_started_at: float | None = None
    """Start of the present block of looks; a lifted shared hold starts it anew."""
    first_exposure_at: float | None = None
    test_stage_started_at: float | None = None
    """When 50% started: V_max was frozen then."""
    v_max: float | None = None
    safe_arm: SafeArm = "primary"
    control_header_on_canary: bool = False
    """From promotion step 2 to 6 rule 1 points at the canary too."""
    revoked: bool = False
    cause: Cause | None = None
    strike: bool = False
    hold: Hold | None = None
    resumed_at: float | None = None
    """When a person last lifted a hold: warnings raised before that do not hold again."""
    looks_done: int = 0
    """How many of the policy's look times have been used."""
    look_information: tuple[float, ...] = ()
    """The score's variance at each look taken before the last."""
    benefit: bool | None = None
    """What the last look decided; it is never taken again."""
    p_value: float | None = None
    """The last look's, in the candidate's favour; None before it."""
    registered: bool = False
    """Whether the ledger holds its test; its consent is then wanted for a promotion."""
    override: dict[str, Any] | None = None
    """Who started it in spite of the candidate's past: `override_id`, `waived` (reasons), `by` and
    `reason` of who started, `second` and `second_reason` of who gave leave."""
    asked_in: str = ""
    """The execution of the pipeline that asks a person; empty while nobody is asked."""
    approved_by: str = ""
    approved_at: float | None = None
    """Who said yes to that question, and when: without it no promotion is ordered."""
    drill: dict[str, Any] | None = None
    """For a drill, which releases the control model to itself: what it puts back at its end
    (`assignment` and `status`, texts; `promoted`, as that assignment had it). None: a release."""
    consent: bool | None = None
    """What the ledger said to the last look, once; None where it was not asked."""
    extensions: tuple[str, ...] = ()
    """The rules that have extended the test, each once."""
    extended_until: float | None = None
    accepted: tuple[str, ...] = ()
    """What a person has resumed over: rule and stage, as `mixed signals@2`."""
    blocks_judged: int = 0
    """How many blocks of the present stage's minimum have been judged by its gates."""
    cycle_started_at: float | None = None
    """When the scale cycle now under way loaded its model; attestations must be younger."""
    decisions: tuple[dict[str, Any], ...] = field(default=())
    """The last decisions (newest last), each as the decision's own `to_dict`."""
    version: int = 0

    @property
    def terminal(self) -> bool:
        """Whether the release is over."""
        return self.phase in TERMINAL

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a table or JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> ReleaseState:
        """Read what `to_dict` wrote; numbers may be `int`, `float` or `Decimal`."""
        known = {item.name for item in dataclasses.fields(cls)}
        data = {key: _plain(each) for key, each in value.items() if key in known}
        data["phase"] = Phase(data["phase"])
        data["cause"] = Cause(data["cause"]) if data.get("cause") else None
        if hold := data.get("hold"):
            data["hold"] = Hold(
                cause=Cause(hold["cause"]),
                alarms=tuple(hold["alarms"]),
                since=float(hold["since"]),
                resume_to=Phase(hold["resume_to"]),
                detail=hold.get("detail", ""),
                rule=hold.get("rule", ""),
                until=hold.get("until"),
                both_ok_since=hold.get("both_ok_since"),
            )
        data["look_information"] = tuple(data.get("look_information") or ())
        for name in ("extensions", "accepted"):
            data[name] = tuple(data.get(name) or ())
        data["decisions"] = tuple(data.get("decisions") or ())
        return cls(**data)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if type(value).__name__ == "Decimal":
        return int(value) if value == value.to_integral_value() else float(value)
    return value
