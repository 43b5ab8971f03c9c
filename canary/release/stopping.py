"""The end of a release that must not go on: traffic first, then everything else."""

from __future__ import annotations

from dataclasses import replace

from canary.release import events
from canary.release.actions import (
    CaptureDiagnostics,
    Notify,
    Outcome,
    PublishAssignment,
    PublishStatus,
    RememberCandidate,
    Save,
    SetSessionFlag,
    Shift,
    StartRollback,
    StopExecution,
)
from canary.release.drill import DRILL_CANDIDATE
from canary.release.holding import hold
from canary.release.model import Cause, Hold, Phase, ReleaseState
from canary.release.publication import parameter_over
from canary.routing.weights import safe_form

__all__ = ["on_machinery_failed", "on_rollback"]


def on_rollback(state: ReleaseState, event: events.RollbackRequested) -> Outcome:
    """Take traffic to the safe arm, revoke the release, and only then tidy up and tell.

    Past the point of no return the old model is no longer there to go back to: traffic goes to
    the safe arm, a person is paged, and the release goes on. A drill takes the same steps on a
    candidate of its own, and no strike comes of it.
    """
    if state.phase is Phase.PROMOTING:
        text = f"{event.cause.value}: {event.detail} Traffic is on the {state.safe_arm} task set."
        return state, (
            Shift(safe_form(state.safe_arm)),
            CaptureDiagnostics(event.cause, event.detail, event.alarms),
            Notify("on_call", f"{state.release_id}: failing while it is promoted", text),
        )
    drill = state.drill is not None
    phase = Phase.REJECTED if event.reject and not drill else Phase.ROLLED_BACK
    after = replace(
        state,
        phase=phase,
        revoked=True,
        cause=event.cause,
        strike=event.strike and not drill,
        hold=None,
        target_stage=None,
        control_header_on_canary=False,
    )
    title = f"{state.release_id} {phase.lower().replace('_', ' ')}: {event.cause.value}"
    text = f"{event.detail or ', '.join(event.alarms)} (from stage {state.stage})"
    if drill:
        text = f"A drill: no customer met the canary. {text}"
    promoted = bool(state.drill and state.drill.get("promoted"))
    return after, (
        Shift(safe_form(state.safe_arm)),
        Save(),
        PublishAssignment(parameter_over(after, promoted=promoted)),
        PublishStatus(phase.lower()),
        SetSessionFlag(active=False),
        RememberCandidate(
            model_id=DRILL_CANDIDATE if drill else state.candidate,
            release_id=state.release_id,
            at=event.at,
            cause=event.cause,
            strike=after.strike,
            rejected=phase is Phase.REJECTED,
        ),
        CaptureDiagnostics(event.cause, event.detail, event.alarms),
        Notify("on_call", title, text),
        Notify("ml_engineers", title, text),
        StopExecution(state.execution_arn, event.cause.value),
    )


def on_machinery_failed(state: ReleaseState, event: events.MachineryFailed) -> Outcome:
    """Our own failure is no verdict on the model: hold while it looks well, else take it off."""
    subject = f"{state.release_id}: a step failed at stage {state.stage}"
    if state.phase is Phase.PROMOTING:
        text = f"{event.detail} Traffic stays on the {state.safe_arm} task set; finish by hand."
        return state, (Notify("on_call", subject, text),)
    if not event.alarms_ok:
        return state, (
            StartRollback(Cause.MACHINERY, strike=False, detail=event.detail),
            Notify("on_call", subject, f"{event.detail} Alarms are raised: rolling back."),
        )
    if state.hold is None:
        return hold(state, Cause.MACHINERY, at=event.at, detail=event.detail)
    held: Hold = replace(state.hold, cause=Cause.MACHINERY, detail=event.detail, both_ok_since=None)
    told = Notify("on_call", subject, event.detail)
    return replace(state, hold=held), (Save(), PublishStatus("held"), told)
