"""The release's transition function."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.release import actions, events
from canary.release.machine import decide
from canary.release.model import Cause, DecisionKind, Phase, ReleaseState
from canary.release.traffic import allowed_forms
from canary.routing.weights import ALL_ON_CANARY, ALL_ON_PRIMARY, TrafficForm
from tests.canary.samples import release

UP = (
    events.CycleStarted(1),
    events.StageOrdered(2, 1),
    events.TrafficShifted(3, 1),
    events.StageOrdered(4, 2),
    events.TrafficShifted(5, 2),
    events.StageOrdered(6, 3),
    events.TrafficShifted(7, 3),
)
PROMOTE = (
    events.ApprovalAsked(8),
    events.Approved(9, "ada"),
    events.PromotionOrdered(10),
    events.PromotionShifted(11),
    events.PromotionBegun(12),
    events.CycleStarted(13),
    events.PrimaryReplaced(14),
    events.PromotionFinished(15),
)


def after(happened: Iterable[events.Event], state: ReleaseState | None = None) -> ReleaseState:
    """The record after all events."""
    state = state or release()
    for event in happened:
        state, _ = decide(state, event)
    return state


def asked(state: ReleaseState, event: events.Event, kind: type) -> list[Any]:
    """The actions of one kind that an event asks for."""
    return [action for action in decide(state, event)[1] if isinstance(action, kind)]


BAKING = after(UP)
SOAKING = after((*UP, *PROMOTE[:4]))
PROMOTING = after((*UP, *PROMOTE[:5]))


def test_a_release_climbs_every_stage_and_is_promoted() -> None:
    """The whole happy path, with the clock's marks that decisions need."""
    state = after(UP)
    assert (state.phase, state.stage) == (Phase.BAKING, 3)
    assert (state.first_exposure_at, state.test_stage_started_at, state.block_started_at) == (
        3,
        7,
        7,
    )
    done = after(PROMOTE, state)
    assert (done.phase, done.safe_arm, done.control_header_on_canary) == (
        Phase.PROMOTED,
        "primary",
        False,
    )


def test_every_changed_record_is_saved_once_with_the_next_version() -> None:
    """The version guards each write."""
    state = release()
    for event in (*UP, *PROMOTE):
        new, done = decide(state, event)
        assert new.version == state.version + 1
        assert sum(isinstance(action, actions.Save) for action in done) == 1
        state = new


def test_rates_are_published_after_the_canarys_rule_is_open() -> None:
    """Otherwise drawn units would find it closed."""
    _, done = decide(after(UP[:1]), UP[1])
    kinds = [type(action) for action in done]
    assert kinds == [actions.Save, actions.Shift, actions.PublishAssignment]
    assert done[1] == actions.Shift(TrafficForm(0, 100, 0))
    parameter = done[2].parameter
    assert (parameter.active, parameter.stage, parameter.rates["chitchat"]) == (True, 1, 0.25)


def test_a_promotion_tells_the_api_before_the_rules_move() -> None:
    """So each conversation can say why it moved, in both directions."""
    for before, event in ((9, PROMOTE[2]), (13, PROMOTE[6])):
        _, done = decide(after([*UP, *PROMOTE][:before]), event)
        kinds = [type(action) for action in done]
        assert kinds == [
            actions.Save,
            actions.PublishAssignment,
            actions.AwaitPolls,
            actions.Shift,
        ]


def test_rollback_moves_traffic_first_and_stops_the_execution_last() -> None:
    """Everything else may fail without a customer noticing."""
    event = events.RollbackRequested(9, Cause.CRITICAL_ALARM, detail="errors")
    state, done = decide(BAKING, event)
    assert done[0] == actions.Shift(ALL_ON_PRIMARY)
    assert done[1] == actions.Save()
    assert isinstance(done[-1], actions.StopExecution)
    assert (state.phase, state.revoked, state.strike) == (Phase.ROLLED_BACK, True, True)
    assert actions.SetSessionFlag(active=False) in done
    assert not asked(BAKING, event, actions.PublishAssignment)[0].parameter.active


def test_a_lost_test_rejects_the_candidate_for_good() -> None:
    """REJECTED is remembered of the candidate."""
    event = events.RollbackRequested(9, Cause.HARM_SEQUENCE, reject=True)
    assert decide(BAKING, event)[0].phase is Phase.REJECTED
    (memory,) = asked(BAKING, event, actions.RememberCandidate)
    assert (memory.model_id, memory.rejected) == ("model-b", True)


def test_rollback_in_the_soak_takes_control_conversations_back_too() -> None:
    """Rule 1 is on the canary then; the old model is still warm."""
    event = events.RollbackRequested(12, Cause.CRITICAL_ALARM)
    assert asked(SOAKING, event, actions.Shift) == [actions.Shift(ALL_ON_PRIMARY)]
    state = decide(SOAKING, event)[0]
    assert (state.phase, state.control_header_on_canary) == (Phase.ROLLED_BACK, False)


def test_past_the_point_of_no_return_a_rollback_stays_on_the_canary_and_pages() -> None:
    """The old model is gone: the release goes on."""
    state, done = decide(PROMOTING, events.RollbackRequested(13, Cause.CRITICAL_ALARM))
    assert state == PROMOTING
    assert done[0] == actions.Shift(ALL_ON_CANARY)
    assert any(isinstance(a, actions.Notify) and a.audience == "on_call" for a in done)


def test_machinery_holds_while_alarms_are_ok_and_else_rolls_back_without_a_strike() -> None:
    """Our own failure says nothing against the model."""
    held = decide(BAKING, events.MachineryFailed(9, alarms_ok=True, detail="x"))[0]
    assert (held.phase, held.hold.cause) == (Phase.HELD, Cause.MACHINERY)  # type: ignore[union-attr]
    failed = events.MachineryFailed(9, alarms_ok=False)
    (start,) = asked(BAKING, failed, actions.StartRollback)
    assert (start.cause, start.strike) == (Cause.MACHINERY, False)
    assert decide(PROMOTING, failed)[0] == PROMOTING
    assert not asked(PROMOTING, failed, actions.StartRollback)


def test_a_hold_remembers_where_to_go_on() -> None:
    """Whatever it interrupts, resuming goes back there, with the same weights."""
    for length in range(8):
        state = after(UP[:length])
        held, done = decide(state, events.AlarmPaused(20, ("canary-silent",), Cause.SILENCE))
        assert held.phase is Phase.HELD
        assert not any(isinstance(action, actions.Shift) for action in done)
        back = decide(held, events.Resumed(21, "ada"))[0]
        assert replace(back, version=state.version, resumed_at=None) == state
        assert back.resumed_at == 21


def test_a_hold_refuses_every_move_up() -> None:
    """Nothing moves toward the canary until it is lifted."""
    held = decide(BAKING, events.OperatorHeld(9))[0]
    for event in (events.StageOrdered(10, 3), events.ApprovalAsked(10), *PROMOTE[2:]):
        assert decide(held, event) == (held, ())


def test_a_hold_that_came_during_a_shift_keeps_the_stage_reached() -> None:
    """The record says where the traffic is."""
    held = after((*UP[:4], events.OperatorHeld(5)))
    state = decide(held, events.TrafficShifted(6, 2))[0]
    assert (state.phase, state.stage) == (Phase.HELD, 2)
    assert decide(state, events.Resumed(7))[0].phase is Phase.BAKING


def test_a_shared_hold_lifts_itself_once_both_arms_were_well_long_enough() -> None:
    """The stage's block starts anew; an ill minute between starts the waiting again."""
    state = after(
        (
            events.AlarmPaused(1000, ("shared-error",), Cause.SHARED),
            events.ArmsWatched(1060, ok=True),
            events.ArmsWatched(1120, ok=False),
            events.ArmsWatched(1180, ok=True),
            events.ArmsWatched(1779, ok=True),
        ),
        replace(BAKING, blocks_judged=2),
    )
    assert state.phase is Phase.HELD
    lifted = decide(state, events.ArmsWatched(1780, ok=True))[0]
    assert (lifted.phase, lifted.block_started_at, lifted.blocks_judged) == (Phase.BAKING, 1780, 0)
    assert lifted.stage_started_at == BAKING.stage_started_at


def test_a_shared_hold_that_stays_bad_ends_without_a_strike() -> None:
    """Both arms fail: traffic off after ten minutes, nothing held against the candidate."""
    held = decide(BAKING, events.AlarmPaused(1000, ("shared-error",), Cause.SHARED))[0]
    assert not asked(held, events.ArmsWatched(1599, ok=False), actions.StartRollback)
    (start,) = asked(held, events.ArmsWatched(1600, ok=False), actions.StartRollback)
    assert (start.cause, start.strike) == (Cause.SHARED, False)


def test_a_warning_during_a_shared_hold_needs_a_person() -> None:
    """A hold that lifts itself gives way to one that does not, never the reverse."""
    shared = events.AlarmPaused(1000, ("shared-error",), Cause.SHARED)
    warning = events.AlarmPaused(1001, ("canary-hallucination-300s",))
    for order in ((shared, warning), (warning, shared)):
        state = after(order, BAKING)
        assert state.hold is not None
        assert state.hold.cause is Cause.WARNING
        assert set(state.hold.alarms) == {"shared-error", "canary-hallucination-300s"}
        assert decide(state, events.ArmsWatched(9000, ok=True)) == (state, ())


def test_a_hold_by_a_look_is_told_to_the_engineers_and_resuming_starts_a_block() -> None:
    """A gate's hold has used up its block."""
    look = events.LookTaken(
        20, DecisionKind.HOLD, {"decision": "HOLD"}, detail="completion: FAIL", blocks_judged=1
    )
    held, done = decide(BAKING, look)
    assert (held.phase, held.blocks_judged) == (Phase.HELD, 1)
    assert [a.audience for a in done if isinstance(a, actions.Notify)] == ["ml_engineers"]
    resumed = decide(held, events.Resumed(30))[0]
    assert (resumed.block_started_at, resumed.blocks_judged) == (30, 0)


def test_what_a_look_freezes_is_never_changed_again() -> None:
    """V_max and the benefit are decided once; information and decisions add up."""
    first = events.LookTaken(
        20, DecisionKind.EXTEND, {"n": 1}, looks_done=1, information=5.0, v_max=100.0, benefit=False
    )
    second = events.LookTaken(
        21, DecisionKind.EXTEND, {"n": 2}, looks_done=2, information=9.0, v_max=7.0, benefit=True
    )
    state = after((first, second), BAKING)
    assert (state.v_max, state.benefit, state.looks_done) == (100.0, False, 2)
    assert state.look_information == (5.0, 9.0)
    assert [each["n"] for each in state.decisions] == [1, 2]
    assert ReleaseState.from_dict(state.to_dict()) == state


def test_a_record_keeps_eight_decisions_and_one_looks_verdicts() -> None:
    """However long a release bakes, its item stays small."""
    state = BAKING
    for at in range(20):
        judged = at % 2 == 0
        decision = {"at": at, "verdicts": [{"metric": "error"}] if judged else []}
        state = decide(state, events.LookTaken(at, DecisionKind.EXTEND, decision))[0]
    assert [each["at"] for each in state.decisions] == list(range(12, 20))
    assert [each["at"] for each in state.decisions if each["verdicts"]] == [18]


def test_denied_approval_holds_at_fifty_percent() -> None:
    """No strike; resuming looks again."""
    state = after((events.ApprovalAsked(8), events.ApprovalDenied(9, "expired")), BAKING)
    assert state.hold is not None
    assert (state.hold.cause, state.hold.resume_to, state.stage) == (
        Cause.APPROVAL,
        Phase.BAKING,
        3,
    )


@pytest.mark.parametrize("stage", [0, 2, 4, 9])
def test_stages_outside_the_ramp_or_behind_are_refused(stage: int) -> None:
    """Only a promotion reaches the last stage, and nothing goes back but a rollback."""
    assert decide(BAKING, events.StageOrdered(9, stage)) == (BAKING, ())


EVENTS = st.one_of(
    st.sampled_from([*UP, *PROMOTE]),
    st.builds(events.StageOrdered, st.floats(0, 1e6), st.integers(-1, 6)),
    st.builds(events.TrafficShifted, st.floats(0, 1e6), st.integers(-1, 6)),
    st.builds(
        events.LookTaken,
        st.floats(0, 1e6),
        st.sampled_from(DecisionKind),
        st.just({}),
        v_max=st.none() | st.floats(1, 10),
    ),
    st.builds(
        events.AlarmPaused,
        st.floats(0, 1e6),
        st.just(("canary-x",)),
        st.sampled_from([Cause.WARNING, Cause.SHARED, Cause.SILENCE]),
    ),
    st.builds(events.ArmsWatched, st.floats(0, 1e6), st.booleans()),
    st.builds(events.Resumed, st.floats(0, 1e6)),
    st.builds(events.OperatorHeld, st.floats(0, 1e6)),
    st.builds(events.ApprovalAsked, st.floats(0, 1e6), st.sampled_from(["", "e-1", "e-2"])),
    st.builds(events.Approved, st.floats(0, 1e6), execution_id=st.sampled_from(["", "e-1", "e-2"])),
    st.builds(events.ApprovalDenied, st.floats(0, 1e6)),
    st.builds(events.MachineryFailed, st.floats(0, 1e6), st.booleans()),
)
ROLLBACKS = st.builds(
    events.RollbackRequested,
    st.floats(0, 1e6),
    st.sampled_from(Cause),
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, len(UP) + len(PROMOTE)),
    st.lists(st.one_of(EVENTS, EVENTS, EVENTS, ROLLBACKS), max_size=25),
)
def test_whatever_happens_the_invariants_hold(start: int, happened: list[events.Event]) -> None:
    """From any point of the happy path, through any events in any order.

    Terminal and revoked records absorb; a hold moves no weight; the safe arm is the canary only
    past the point of no return; rule 1 is on the canary only in a promotion, which a person has
    approved; weights asked for are ones that the record allows.
    """
    state = after((*UP, *PROMOTE)[:start])
    for event in happened:
        new, done = decide(state, event)
        shifts = [action.form for action in done if isinstance(action, actions.Shift)]
        if state.terminal or state.revoked:
            assert (new, done) == (state, ())
        if new.revoked:
            assert all(form == ALL_ON_PRIMARY for form in shifts)
        if state.phase is Phase.HELD and not isinstance(event, events.RollbackRequested):
            assert not shifts
        assert new.terminal or not new.revoked
        assert (new.hold is not None) == (new.phase is Phase.HELD)
        assert not (new.safe_arm == "canary" and new.phase is not Phase.PROMOTING)
        assert not (new.safe_arm == "canary" and not new.control_header_on_canary)
        assert not (new.terminal and new.control_header_on_canary)
        if new.control_header_on_canary and not state.control_header_on_canary:
            assert state.approved_at is not None
            assert new.approved_at == state.approved_at
        assert new.version == state.version + (new != state)
        if not isinstance(event, events.PrimaryReplaced):
            assert all(form in allowed_forms(new) for form in shifts)
        assert ReleaseState.from_dict(new.to_dict()) == new
        state = new
