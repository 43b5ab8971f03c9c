"""Up the ramp: the candidate is loaded, traffic moves to a stage, looks are taken there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from canary.policy.compiled import CompiledPolicy
from canary.release import events
from canary.release.actions import Outcome, PublishAssignment, PublishStatus, Save, Shift
from canary.release.holding import hold
from canary.release.model import Cause, DecisionKind, Phase, ReleaseState
from canary.release.publication import parameter_at
from canary.release.traffic import stage_form

__all__ = ["at_stage", "on_cycle", "on_look", "on_shifted", "on_stage_ordered"]

_DECISIONS_KEPT = 8
"""Of these the newest judged one keeps its verdicts, some 34 KB: an item may have 400 KB."""


def on_cycle(state: ReleaseState, event: events.CycleStarted) -> Outcome:
    """Loading a model starts the preparation, or replaces the primary in a promotion."""
    if state.phase in (Phase.ADMITTED, Phase.PREPARING):
        after = replace(state, phase=Phase.PREPARING, cycle_started_at=event.at)
        return after, (Save(), PublishStatus("preparing"))
    if state.phase is Phase.PROMOTING and state.safe_arm == "canary":
        return replace(state, cycle_started_at=event.at), (Save(),)
    return state, ()


def on_stage_ordered(state: ReleaseState, event: events.StageOrdered) -> Outcome:
    """Open the canary's rule before publishing the rates that send units to it."""
    policy = CompiledPolicy.from_json(state.policy)
    movable = state.phase in (Phase.ADMITTED, Phase.PREPARING, Phase.SHIFTING, Phase.BAKING)
    last_test = len(policy.stages) - 2
    if not movable or state.control_header_on_canary:
        return state, ()
    if not max(1, state.stage) <= event.stage <= last_test:
        return state, ()
    if state.phase is Phase.SHIFTING and state.target_stage != event.stage:
        return state, ()
    after = replace(state, phase=Phase.SHIFTING, target_stage=event.stage)
    if event.stage == state.stage and state.phase is Phase.BAKING:
        after = state
    return after, (
        Save(),
        Shift(stage_form(state, event.stage)),
        PublishAssignment(parameter_at(after, policy, event.stage)),
    )


def on_shifted(state: ReleaseState, event: events.TrafficShifted) -> Outcome:
    """Traffic is there; a hold that came meanwhile stays, but at the stage now in force.

    Told again, it says again where the release stands: the first may have died in between.
    """
    if state.target_stage is None and (state.phase, state.stage) == (Phase.BAKING, event.stage):
        return state, (PublishStatus(Phase.BAKING.lower()),)
    if state.target_stage != event.stage or state.control_header_on_canary:
        return state, ()
    policy = CompiledPolicy.from_json(state.policy)
    is_last_test = event.stage == len(policy.stages) - 2
    after = at_stage(state, event.stage, event.at)
    after = replace(
        after,
        first_exposure_at=state.first_exposure_at or event.at,
        test_stage_started_at=event.at if is_last_test else state.test_stage_started_at,
    )
    return after, (Save(), PublishStatus(after.phase.lower()))


def on_look(state: ReleaseState, event: events.LookTaken) -> Outcome:
    """Keep the decision; a HOLD holds."""
    information = () if event.information is None else (event.information,)
    judged = state.blocks_judged if event.blocks_judged is None else event.blocks_judged
    after = replace(
        state,
        decisions=(*_earlier(state, event), event.decision)[-_DECISIONS_KEPT:],
        looks_done=max(state.looks_done, event.looks_done or 0),
        look_information=(*state.look_information, *information),
        benefit=event.benefit if state.benefit is None else state.benefit,
        p_value=event.p_value if state.p_value is None else state.p_value,
        consent=event.consent if state.consent is None else state.consent,
        v_max=event.v_max if state.v_max is None else state.v_max,
        blocks_judged=judged,
        extensions=(*state.extensions, *([event.extension] if event.extension else [])),
        extended_until=event.extended_until or state.extended_until,
    )
    if event.kind is not DecisionKind.HOLD or state.phase is not Phase.BAKING:
        return after, (Save(),)
    return hold(
        after,
        event.cause or Cause.GATE,
        at=event.at,
        detail=event.detail,
        alarms=event.alarms,
        rule=event.rule,
        until=event.hold_until,
    )


def _earlier(state: ReleaseState, event: events.LookTaken) -> tuple[dict[str, Any], ...]:
    """The decisions before this one, without their verdicts once it brings its own."""
    if not event.decision.get("verdicts"):
        return state.decisions
    return tuple({**decision, "verdicts": []} for decision in state.decisions)


def at_stage(state: ReleaseState, stage: int, at: float) -> ReleaseState:
    """The record with `stage` in force and a new block begun; a hold stays a hold."""
    after = replace(
        state,
        stage=stage,
        target_stage=None,
        stage_started_at=at,
        block_started_at=at,
        blocks_judged=0,
    )
    if state.phase is Phase.HELD and state.hold:
        return replace(after, hold=replace(state.hold, resume_to=Phase.BAKING))
    return replace(after, phase=Phase.BAKING)
