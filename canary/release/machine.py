"""The release as a state machine: one pure function from a record and a fact to what follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from canary.release import events, holding, promotion, ramp, stopping
from canary.release.actions import Outcome, Save
from canary.release.model import ReleaseState

__all__ = ["decide"]


def decide(state: ReleaseState, event: events.Event) -> Outcome:
    """The record after `event`, and what must be done, in order.

    A changed record has its version raised by one and a `Save` among the actions. An event that
    does not apply changes nothing and asks for nothing: the answer is then `(state, ())`, and it
    is that for every event once a release is revoked or over. A drill loads its model and is
    rolled back; whatever else happens meanwhile is none of its business.
    """
    if state.revoked or state.terminal:
        return state, ()
    if state.drill is not None and not isinstance(event, _OF_A_DRILL):
        return state, ()
    after, actions = _HANDLERS[type(event)](state, event)
    if after == state:
        return state, tuple(action for action in actions if not isinstance(action, Save))
    return replace(after, version=state.version + 1), actions


_OF_A_DRILL = (events.CycleStarted, events.RollbackRequested)
_HANDLERS: dict[type, Callable[[ReleaseState, Any], Outcome]] = {
    events.CycleStarted: ramp.on_cycle,
    events.StageOrdered: ramp.on_stage_ordered,
    events.TrafficShifted: ramp.on_shifted,
    events.LookTaken: ramp.on_look,
    events.AlarmPaused: holding.on_paused,
    events.ArmsWatched: holding.on_arms_watched,
    events.Resumed: holding.on_resumed,
    events.OperatorHeld: holding.on_held,
    events.ApprovalAsked: promotion.on_approval_asked,
    events.Approved: promotion.on_approved,
    events.ApprovalDenied: promotion.on_denied,
    events.PromotionOrdered: promotion.on_promotion_ordered,
    events.PromotionShifted: promotion.on_promotion_shifted,
    events.PromotionBegun: promotion.on_promotion_begun,
    events.PrimaryReplaced: promotion.on_primary_replaced,
    events.PromotionFinished: promotion.on_promotion_finished,
    events.RollbackRequested: stopping.on_rollback,
    events.MachineryFailed: stopping.on_machinery_failed,
}
