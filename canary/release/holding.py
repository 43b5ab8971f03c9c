"""A hold: weights stay as they are until a person, or the end of a shared incident, lifts it."""

from __future__ import annotations

from dataclasses import replace

from canary.policy.compiled import CompiledPolicy
from canary.release import events
from canary.release.actions import Action, Notify, Outcome, PublishStatus, Save, StartRollback
from canary.release.model import Cause, Hold, Phase, ReleaseState

__all__ = ["hold", "on_arms_watched", "on_held", "on_paused", "on_resumed", "repeated"]

RETRY_SECONDS = 300.0
"""Lambda asks again one and three minutes after an asynchronous call that failed."""

_WEAKER = {Cause.WARNING: (Cause.SILENCE, Cause.SHARED), Cause.SILENCE: (Cause.SHARED,)}
"""Which causes a later pause takes over: a shared hold lifts itself, so anything is stronger."""


def on_paused(state: ReleaseState, event: events.AlarmPaused) -> Outcome:
    """Warnings hold; past the point of no return they can only call a person."""
    subject = f"{state.release_id}: {event.cause.value} at stage {state.stage}"
    told = Notify("on_call", subject, event.detail or ", ".join(event.alarms))
    if state.phase is Phase.PROMOTING:
        return state, (told,)
    if state.hold is None:
        return hold(state, event.cause, at=event.at, detail=event.detail, alarms=event.alarms)
    if state.hold.cause is event.cause and set(event.alarms) <= set(state.hold.alarms):
        return state, repeated(state, event.at, told)
    alarms = tuple(dict.fromkeys((*state.hold.alarms, *event.alarms)))
    if state.hold.cause in _WEAKER.get(event.cause, ()):
        changed = replace(
            state.hold, cause=event.cause, alarms=alarms, since=event.at, both_ok_since=None
        )
        return replace(state, hold=changed), (Save(), told)
    return replace(state, hold=replace(state.hold, alarms=alarms)), (Save(),)


def on_held(state: ReleaseState, event: events.OperatorHeld) -> Outcome:
    """A person holds; the reason already held for gives way, so that only a person lifts it."""
    if state.phase is Phase.PROMOTING:
        text = (
            "Past the point of no return a release cannot be held; it finishes or is rolled back."
        )
        return state, (Notify("on_call", f"{state.release_id}: hold refused", text),)
    if state.hold is None:
        return hold(state, Cause.OPERATOR, at=event.at, detail=event.detail)
    if (state.hold.cause, state.hold.detail) == (Cause.OPERATOR, event.detail):
        subject = f"{state.release_id} held at stage {state.stage}: {Cause.OPERATOR.value}"
        return state, repeated(state, event.at, Notify("on_call", subject, event.detail))
    changed = replace(state.hold, cause=Cause.OPERATOR, detail=event.detail, both_ok_since=None)
    return replace(state, hold=changed), (Save(), PublishStatus("held"))


def on_resumed(state: ReleaseState, event: events.Resumed) -> Outcome:
    """A person lifts the hold; after a gate's hold the block of looks starts anew."""
    if state.hold is None:
        return state, (PublishStatus(state.phase.lower()),)
    anew = state.hold.cause in (Cause.GATE, Cause.SIGNALS, Cause.SHARED)
    seen = replace(state, resumed_at=event.at)
    if state.hold.rule:
        seen = replace(seen, accepted=(*state.accepted, f"{state.hold.rule}@{state.stage}"))
    return _lift(seen, event.at, anew=anew, why=f"resumed by {event.by or 'a person'}")


def on_arms_watched(state: ReleaseState, event: events.ArmsWatched) -> Outcome:
    """A shared hold lifts itself once both arms were well long enough, or ends the release."""
    held = state.hold
    if held is None or held.cause is not Cause.SHARED:
        return state, ()
    watch = CompiledPolicy.from_json(state.policy).statistics
    if not event.ok:
        after = replace(state, hold=replace(held, both_ok_since=None))
        if event.at - held.since < watch.shared_rollback_seconds:
            return after, (Save(),)
        minutes = (event.at - held.since) / 60
        detail = f"both arms still failing after {minutes:.0f} minutes"
        return after, (Save(), StartRollback(Cause.SHARED, strike=False, detail=detail))
    since = event.at if held.both_ok_since is None else held.both_ok_since
    if event.at - since >= watch.shared_lift_seconds:
        return _lift(state, event.at, anew=True, why="both arms are well again")
    return replace(state, hold=replace(held, both_ok_since=since)), (Save(),)


def repeated(state: ReleaseState, at: float, told: Notify) -> tuple[Action, ...]:
    """What follows again when the event of a hold comes again.

    Soon after the hold it is a retry of a call that died before it told anyone, so people hear of
    it twice rather than never; later it is the alarm's next transition.
    """
    assert state.hold is not None
    status = PublishStatus("held")
    return (status, told) if at - state.hold.since <= RETRY_SECONDS else (status,)


def hold(
    state: ReleaseState,
    cause: Cause,
    *,
    at: float,
    detail: str,
    alarms: tuple[str, ...] = (),
    resume_to: Phase | None = None,
    rule: str = "",
    until: float | None = None,
) -> Outcome:
    """Hold a release that is not held, and tell who must act."""
    held = Hold(cause, alarms, at, resume_to or state.phase, detail, rule, until)
    learners = cause in (Cause.GATE, Cause.SIGNALS, Cause.APPROVAL)
    return replace(state, phase=Phase.HELD, hold=held), (
        Save(),
        PublishStatus("held"),
        Notify(
            "ml_engineers" if learners else "on_call",
            f"{state.release_id} held at stage {state.stage}: {cause.value}",
            detail or ", ".join(alarms),
        ),
    )


def _lift(state: ReleaseState, at: float, *, anew: bool, why: str) -> Outcome:
    assert state.hold is not None
    phase = state.hold.resume_to
    after = replace(state, phase=phase, hold=None)
    if anew and phase is Phase.BAKING:
        after = replace(after, block_started_at=at, blocks_judged=0)
    return after, (
        Save(),
        PublishStatus(phase.lower()),
        Notify("on_call", f"{state.release_id} goes on at stage {state.stage}", why),
    )
