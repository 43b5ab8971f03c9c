"""The steps after traffic is safe: each tried even when another failed, each ticked off."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from canary.aws import clock
from canary.aws.alarms import Alarms
from canary.aws.metrics import Metrics
from canary.aws.performer import Performer
from canary.aws.records import StaleRecordError
from canary.aws.requests import Request
from canary.aws.rollbacks import RollbackRecord, Rollbacks, iso
from canary.aws.traffic import Traffic
from canary.release import actions
from canary.release.actions import Action
from canary.release.events import RollbackRequested
from canary.release.machine import decide
from canary.release.model import Cause, Phase, ReleaseState
from canary.routing.weights import safe_form

__all__ = ["Ending", "EndingError"]

LOG = logging.getLogger(__name__)
RECHECK_SECONDS = 20.0
"""Longer than a shift that was under way can live."""
SNAPSHOT_SECONDS = 1800.0
COUNTERS = ("Requests", "Errors", "SlowRequests", "Throttles", "TurnsChecked", "Hallucinations")
Result = TypeVar("Result")
_ATTEMPTS = 4
_OVER = frozenset({"progression", "execution"})
"""Sources whose execution ends by itself, or has ended."""
_FORGIVEN = frozenset({"shift", "read_back"})
"""Attempts at the traffic that do not matter once the last one has worked."""


class EndingError(RuntimeError):
    """Some steps failed; a retry and the reconciler try them again."""


@dataclass
class Ending:
    """Ends one release. `failed` collects the names of the steps that did not work."""

    performer: Performer
    rollbacks: Rollbacks
    traffic: Traffic
    alarms: Alarms
    metrics: Metrics
    failed: list[str] = field(default_factory=list)

    def run(self, state: ReleaseState, request: Request, shifted_at: float) -> Phase:
        """Do what is not done yet, look at the rules once more, and close the record.

        Raises `EndingError` that names what failed. A release past the point of no return is not
        ended: a person is told, and it goes on. A drill has no strike, whoever asks for it.
        """
        if state.drill is not None:
            request = dataclasses.replace(request, strike=False, reject=False)
        record = self.attempt("record", lambda: self._open(state, request, shifted_at))
        request = self._first(state, request, record)
        alive = dataclasses.replace(state, revoked=False)
        after, asked = decide(alive, _event(request, clock.now()))
        if after.revoked:
            self.attempt("revoked", lambda: self._revoke(state, request))
        self.attempt("read_back", lambda: self.traffic.put(safe_form(state.safe_arm)))
        done = record.steps if record and after.revoked else {}
        for action in asked:
            name = step_name(action)
            ended = isinstance(action, actions.StopExecution) and (
                request.source in _OVER or not action.execution_arn
            )
            if name in done or ended or isinstance(action, actions.Shift | actions.Save):
                continue
            self.attempt(name, partial(self._do, after, action, record))
        if after.revoked:
            clock.sleep(RECHECK_SECONDS)
        self.attempt("traffic", lambda: self.traffic.put(safe_form(state.safe_arm)))
        if "traffic" not in self.failed:
            safe_at = clock.now() if "shift" in self.failed else shifted_at
            self.failed = [step for step in self.failed if step not in _FORGIVEN]
            if after.revoked and record and "safe" not in done:
                self.attempt("safe", partial(self._measure, record, safe_at))
        if self.failed:
            raise EndingError(f"{state.release_id}: failed: {', '.join(self.failed)}")
        if after.revoked:
            self._close(state.release_id, after.phase)
        return after.phase

    def attempt(self, step: str, do: Callable[[], Result]) -> Result | None:
        """Do one step; a failure is logged and remembered, and the next step has its turn."""
        try:
            return do()
        except Exception:
            LOG.exception("step %s failed", step)
            self.failed.append(step)
            return None

    def _open(self, state: ReleaseState, request: Request, shifted_at: float) -> RollbackRecord:
        return self.rollbacks.open(
            state.release_id,
            {
                "source": request.source,
                "cause": request.cause.value,
                "strike": request.strike,
                "reject": request.reject,
                "detail": request.detail,
                "alarms": list(request.alarms),
                "stage": state.stage,
                "safe_arm": state.safe_arm,
                "shifted_at": iso(shifted_at),
                **({"raised_at": iso(request.raised_at)} if request.raised_at else {}),
                **({"drill": True} if state.drill is not None else {}),
            },
        )

    def _first(
        self, state: ReleaseState, request: Request, record: RollbackRecord | None
    ) -> Request:
        """The request that came first: who comes later only finishes its work.

        Its rollback record says so even when it died before its mark.
        """
        known = record.fields if record and state.phase is not Phase.PROMOTING else {}
        if not state.revoked or state.cause is None:
            if "cause" not in known:
                return request
            cause, strike = Cause(known["cause"]), bool(known.get("strike"))
        else:
            cause, strike = state.cause, state.strike
        return dataclasses.replace(
            request,
            cause=cause,
            strike=strike,
            reject=bool(known.get("reject", request.reject)),
            detail=str(known.get("detail", request.detail)),
            alarms=tuple(known.get("alarms", request.alarms)),
        )

    def _revoke(self, state: ReleaseState, request: Request) -> None:
        """Mark the record; it keeps its phase, and so the lock, until every step is done."""
        for _ in range(_ATTEMPTS):
            if state.revoked or state.terminal:
                return
            after, _asked = decide(state, _event(request, clock.now()))
            marked = dataclasses.replace(
                after, phase=state.phase, control_header_on_canary=state.control_header_on_canary
            )
            try:
                self.performer.releases.save(state, marked)
            except StaleRecordError:
                state = self.performer.releases.load(state.release_id) or state
                continue
            return
        raise StaleRecordError(state.release_id)

    def _do(self, state: ReleaseState, action: Action, record: RollbackRecord | None) -> None:
        if isinstance(action, actions.CaptureDiagnostics):
            snapshot = self._snapshot(state)
            if record is None:
                raise LookupError("there is no rollback record to keep the diagnostics in")
            if "snapshot" not in record.fields:  # the first is nearest to the cause
                self.rollbacks.set(record, "snapshot", snapshot)
        else:
            self.performer.do(state, action)
        if record is not None and state.revoked:
            self.rollbacks.tick(record, step_name(action))

    def _measure(self, record: RollbackRecord, safe_at: float) -> None:
        """Publish how long after the alarm traffic was safe; nothing where no alarm asked."""
        if raised_at := record.fields.get("raised_at"):
            raised = dt.datetime.fromisoformat(str(raised_at)).timestamp()
            self.metrics.put({"RollbackSafeSeconds": max(0.0, safe_at - raised)})
        self.rollbacks.tick(record, "safe")

    def _snapshot(self, state: ReleaseState) -> dict[str, object]:
        now = clock.now()
        return {
            "taken_at": iso(now),
            "alarms": dict(self.alarms.states()),
            "counters": self.metrics.sums(COUNTERS, now - SNAPSHOT_SECONDS, now),
            "decisions": list(state.decisions[-3:]),
            "candidate": state.candidate,
            "control": state.control,
        }

    def _close(self, release_id: str, phase: Phase) -> None:
        """Write the terminal phase, which gives the lock back."""
        for _ in range(_ATTEMPTS):
            state = self.performer.releases.load(release_id)
            if state is None or state.terminal:
                return
            over = dataclasses.replace(state, phase=phase, control_header_on_canary=False)
            try:
                self.performer.releases.save(state, over)
            except StaleRecordError:
                continue
            return
        raise StaleRecordError(release_id)


def _event(request: Request, at: float) -> RollbackRequested:
    """The request as the release machine knows it."""
    return RollbackRequested(
        at, request.cause, request.strike, request.reject, request.detail, request.alarms
    )


def step_name(action: Action) -> str:
    """What a step is called in the rollback record."""
    if isinstance(action, actions.Notify):
        return f"told_{action.audience}"
    return _STEPS.get(type(action), type(action).__name__.lower())


_STEPS: dict[type, str] = {
    actions.PublishAssignment: "assignment",
    actions.PublishStatus: "status",
    actions.SetSessionFlag: "session_flag",
    actions.RememberCandidate: "memory",
    actions.CaptureDiagnostics: "diagnostics",
    actions.StopExecution: "execution",
}
