"""From the person's answer to the new control model: the steps after the last test stage."""

from __future__ import annotations

from dataclasses import replace

from canary.policy.compiled import CompiledPolicy
from canary.release import events
from canary.release.actions import (
    AwaitPolls,
    Notify,
    Outcome,
    PublishAssignment,
    PublishStatus,
    Save,
    SetSessionFlag,
    Shift,
)
from canary.release.holding import RETRY_SECONDS, hold, repeated
from canary.release.model import Cause, Phase, ReleaseState
from canary.release.publication import POLL_MARGIN_SECONDS, parameter_at, parameter_over
from canary.release.ramp import at_stage
from canary.routing.weights import ALL_ON_CANARY, ALL_ON_PRIMARY

__all__ = [
    "on_approval_asked",
    "on_approved",
    "on_denied",
    "on_primary_replaced",
    "on_promotion_begun",
    "on_promotion_finished",
    "on_promotion_ordered",
    "on_promotion_shifted",
]


def on_approval_asked(state: ReleaseState, event: events.ApprovalAsked) -> Outcome:
    """A person is being asked: the promotion pipeline tells whom it may concern.

    Asked anew, after a fault, what was said before counts no longer. An order that was under way
    then stays where it is, and waits for the new answer.
    """
    if _ordered(state):
        return replace(_unanswered(state), asked_in=event.execution_id), (Save(),)
    baking = state.phase is Phase.BAKING and not state.control_header_on_canary
    if not baking and state.phase is not Phase.AWAITING_APPROVAL and not _approved(state):
        return state, ()
    asked = replace(_unanswered(state), asked_in=event.execution_id)
    return replace(asked, phase=Phase.AWAITING_APPROVAL), (
        Save(),
        PublishStatus("awaiting_approval"),
    )


def on_approved(state: ReleaseState, event: events.Approved) -> Outcome:
    """A person said yes: traffic moves next, or when a hold that came meanwhile is lifted.

    A record that an older version of the asking function wrote names no execution: whichever asks
    is its own. Told again soon, it says so again.
    """
    if state.asked_in and event.execution_id != state.asked_in:
        return state, ()
    told = Notify("ml_engineers", f"{state.release_id} approved", f"by {event.by or 'a person'}")
    if state.approved_at is not None:
        return state, (told,) if event.at - state.approved_at <= RETRY_SECONDS else ()
    after = replace(state, approved_by=event.by, approved_at=event.at)
    if state.phase is Phase.AWAITING_APPROVAL:
        return replace(after, phase=Phase.SHIFTING), (Save(), told)
    if state.hold is not None and state.hold.resume_to is Phase.AWAITING_APPROVAL:
        return replace(after, hold=replace(state.hold, resume_to=Phase.SHIFTING)), (Save(), told)
    return (after, (Save(), told)) if _ordered(state) else (state, ())


def on_denied(state: ReleaseState, event: events.ApprovalDenied) -> Outcome:
    """Hold where the traffic is; resuming looks again and asks again."""
    if state.hold is not None and state.hold.cause is Cause.APPROVAL:
        subject = f"{state.release_id} held at stage {state.stage}: {Cause.APPROVAL.value}"
        return state, repeated(state, event.at, Notify("ml_engineers", subject, event.detail))
    waits = state.phase is Phase.AWAITING_APPROVAL or _approved(state)
    if not waits and not _ordered(state):
        return state, ()
    back = Phase.SHIFTING if _ordered(state) else Phase.BAKING
    denied = replace(_unanswered(state), asked_in="")
    return hold(denied, Cause.APPROVAL, at=event.at, detail=event.detail, resume_to=back)


def on_promotion_ordered(state: ReleaseState, _event: events.PromotionOrdered) -> Outcome:
    """Let the API tier move its conversations first, so that each can say why it moved.

    Only the record's own approval lets this happen, whatever called it.
    """
    policy = CompiledPolicy.from_json(state.policy)
    last = len(policy.stages) - 1
    approved = state.phase is Phase.SHIFTING and state.approved_at is not None
    if not approved or state.stage != last - 1 or state.target_stage not in (None, last):
        return state, ()
    after = replace(state, phase=Phase.SHIFTING, target_stage=last, control_header_on_canary=True)
    return after, (
        Save(),
        PublishAssignment(parameter_at(after, policy, last, promoting=True)),
        AwaitPolls(POLL_MARGIN_SECONDS),
        Shift(ALL_ON_CANARY),
    )


def on_promotion_shifted(state: ReleaseState, event: events.PromotionShifted) -> Outcome:
    """The soak begins, with the primary warm on the old model; told again, it says so again."""
    if state.control_header_on_canary and state.phase is Phase.BAKING:
        return state, (PublishStatus(Phase.BAKING.lower()),)
    if not state.control_header_on_canary or state.target_stage is None:
        return state, ()
    after = at_stage(state, state.target_stage, event.at)
    return after, (Save(), PublishStatus(after.phase.lower()))


def on_promotion_begun(state: ReleaseState, _event: events.PromotionBegun) -> Outcome:
    """From here a rollback goes to the canary; told again, it says again that it was reached."""
    if state.phase is Phase.PROMOTING and state.safe_arm == "canary":
        return state, (PublishStatus("promoting"),)
    soaking = state.phase is Phase.BAKING and state.control_header_on_canary
    if not soaking or state.target_stage is not None:
        return state, ()
    return replace(state, phase=Phase.PROMOTING, safe_arm="canary"), (
        Save(),
        PublishStatus("promoting"),
    )


def on_primary_replaced(state: ReleaseState, _event: events.PrimaryReplaced) -> Outcome:
    """The primary runs the new model, so it is the safe arm again before traffic returns."""
    if state.phase is not Phase.PROMOTING:
        return state, ()
    after = replace(state, safe_arm="primary", control_header_on_canary=False)
    return after, (
        Save(),
        PublishAssignment(parameter_over(after, promoted=True)),
        AwaitPolls(POLL_MARGIN_SECONDS),
        Shift(ALL_ON_PRIMARY),
    )


def on_promotion_finished(state: ReleaseState, _event: events.PromotionFinished) -> Outcome:
    """The candidate is the control model; the lock goes last, so a crash repeats the rest."""
    if state.phase is not Phase.PROMOTING or state.safe_arm != "primary":
        return state, ()
    return replace(state, phase=Phase.PROMOTED), (
        SetSessionFlag(active=False),
        PublishStatus("promoted"),
        Notify(
            "ml_engineers",
            f"{state.release_id} promoted",
            f"{state.candidate} is the control model now.",
        ),
        Save(),
    )


def _approved(state: ReleaseState) -> bool:
    """Whether a person said yes, and no order has followed."""
    unordered = state.phase is Phase.SHIFTING and state.target_stage is None
    return unordered and state.approved_at is not None


def _ordered(state: ReleaseState) -> bool:
    """Whether a promotion was ordered, and its traffic is not known to be there."""
    return state.phase is Phase.SHIFTING and state.control_header_on_canary


def _unanswered(state: ReleaseState) -> ReleaseState:
    return replace(state, approved_by="", approved_at=None)
