"""Who may start: the request, the calendar, the alarms, the lock and the offline scores."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from canary.policy.compiled import Closure, CompiledPolicy
from canary.release.model import Phase, ReleaseState

__all__ = [
    "OfflineResult",
    "Request",
    "admit",
    "brought_result",
    "deploy_refusals",
    "offline_result",
    "refusals",
]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
_HYPOTHESES = ("superiority", "non_inferiority")
_UNDER_WAY = "_IN_PROGRESS"
_SETTLED = frozenset(
    {
        *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"),
        *("IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"),
    }
)
"""Of a stack that stands: whatever is changed next asks the deploy guard first."""


@dataclass(frozen=True)
class Request:
    """The state machine's input; absent fields are empty, and `refusals` names them."""

    release_id: str
    test_id: str
    candidate: str
    hypothesis: str
    offline_evaluation: Mapping[str, float]
    """Metric to score; `evaluated_at` among them is when they were made, in epoch seconds."""
    follows: str = ""
    """In a later wave: the release of the wave before, where it is not the one of this id."""
    override_by: str = ""
    """Who starts in spite of the candidate's past, as STS knows the caller, and why."""
    override_reason: str = ""

    @property
    def follows_id(self) -> str:
        """The release that must have been promoted in the wave before."""
        return self.follows or self.release_id

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Request:
        """Read the input without judging it."""
        scores = value.get("offline_evaluation")
        override = value.get("override")
        asked = override if isinstance(override, Mapping) else {}
        return cls(
            release_id=str(value.get("release_id") or ""),
            test_id=str(value.get("test_id") or ""),
            candidate=str(value.get("candidate") or ""),
            hypothesis=str(value.get("hypothesis") or ""),
            offline_evaluation=dict(scores) if isinstance(scores, Mapping) else {},
            follows=str(value.get("follows") or ""),
            override_by=str(asked.get("by") or ""),
            override_reason=str(asked.get("reason") or ""),
        )


@dataclass(frozen=True)
class OfflineResult:
    """The offline evaluation judged: a missing or unreadable score fails."""

    verdict: Literal["PASS", "FAIL"]
    lines: tuple[str, ...]

    @property
    def detail(self) -> str:
        """Every gate in one line."""
        return "; ".join(self.lines) or "no offline gates"


def refusals(
    request: Request,
    *,
    models: Collection[str],
    control: str,
    alarms: Mapping[str, str],
    closure: Closure | None,
    lock_holder: str | None,
) -> tuple[str, ...]:
    """Every reason not to start, empty when the release is admitted.

    `models` are the ids the policy admits, `control` is the model in force, `alarms` each
    guardrail alarm's state, `closure` the days we are in that no test may start on, `lock_holder`
    the release that is active. A retry by the holder of the
    lock is no reason.
    """
    reasons = [
        f"{name}: {getattr(request, name)!r} is not a name of 1 to 128 letters, digits and ._:/-"
        for name in ("release_id", "test_id", "candidate")
        if not _NAME.fullmatch(getattr(request, name))
    ]
    if request.follows and not _NAME.fullmatch(request.follows):
        reasons.append(f"follows: {request.follows!r} is not the name of a release")
    if request.hypothesis not in _HYPOTHESES:
        reasons.append(f"hypothesis: {request.hypothesis!r} is not one of {', '.join(_HYPOTHESES)}")
    if request.candidate and request.candidate == control:
        reasons.append(f"candidate: {control} is the control model already")
    elif request.candidate and request.candidate not in models:
        known = ", ".join(sorted(models))
        reasons.append(f"candidate: {request.candidate} is not a model of the policy: {known}")
    if closure is not None:
        days = f"from {closure.first} to {closure.last}"
        reasons.append(f"calendar: {closure.name}, {days}: no release starts then")
    if raised := sorted(name for name, state in alarms.items() if state == "ALARM"):
        reasons.append(f"alarms: {', '.join(raised)} raised")
    if lock_holder is not None and lock_holder != request.release_id:
        reasons.append(f"lock: {lock_holder} is active")
    return tuple(reasons)


def deploy_refusals(stacks: Mapping[str, str]) -> tuple[str, ...]:
    """Why not to start beside a deploy; `stacks` are the guarded ones' names and status.

    Asked for under the lock: a deploy that the guard let in before is under way by then, and one
    that comes later finds the lock. A stack that failed to go back may be made to without asking.
    """
    reasons = []
    for name, status in sorted(stacks.items()):
        if status.endswith(_UNDER_WAY):
            reasons.append(f"deploy: stack {name} is {status}; start again when it is over")
        elif status not in _SETTLED:
            reasons.append(f"deploy: stack {name} is {status}; mend it and start again")
    return tuple(reasons)


def offline_result(policy: CompiledPolicy, scores: Mapping[str, float]) -> OfflineResult:
    """Judge the offline scores by the policy's offline gates; all must pass."""
    passed = True
    lines = []
    for gate in policy.offline_gates:
        score = scores.get(gate.metric)
        sign = ">=" if gate.better == "higher" else "<="
        number = isinstance(score, int | float) and not isinstance(score, bool)
        if score is None or not number or math.isnan(score):
            passed = False
            lines.append(f"{gate.metric} has no score ({sign} {gate.limit:g} wanted): FAIL")
            continue
        good = score >= gate.limit if gate.better == "higher" else score <= gate.limit
        passed = passed and good
        verdict = "PASS" if good else "FAIL"
        lines.append(f"{gate.metric} {score:g} {sign} {gate.limit:g}: {verdict}")
    return OfflineResult("PASS" if passed else "FAIL", tuple(lines))


def brought_result(policy: CompiledPolicy, scores: Mapping[str, float]) -> OfflineResult:
    """Judge the scores that a request brings: they may stop a release, never let it pass.

    What it does not bring, the region measures; what it brings, the region measures as well.
    """
    gates = tuple(gate for gate in policy.offline_gates if gate.metric in scores)
    return offline_result(replace(policy, offline_gates=gates), scores)


def admit(
    request: Request,
    policy: CompiledPolicy,
    *,
    control: str,
    at: float,
    execution_arn: str = "",
    registered: bool = False,
    override: Mapping[str, Any] | None = None,
) -> ReleaseState:
    """The first record of a release, with its own copy of the policy.

    The hypothesis that was registered with the release stands in that copy. `registered` says that
    the ledger holds its test, and must consent to a promotion; `override` is who started it in
    spite of the candidate's past, and why.
    """
    assert request.hypothesis in ("superiority", "non_inferiority")
    hypothesis: Any = request.hypothesis
    own = replace(policy, statistics=replace(policy.statistics, hypothesis=hypothesis))
    return ReleaseState(
        release_id=request.release_id,
        test_id=request.test_id,
        candidate=request.candidate,
        control=control,
        region=policy.region,
        phase=Phase.ADMITTED,
        policy=own.to_json(),
        policy_digest=own.digest,
        admitted_at=at,
        execution_arn=execution_arn,
        registered=registered,
        override=dict(override) if override else None,
    )
