"""A promotion is ordered by a record that says who approved it, and by no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canary.release import actions, events
from canary.release.machine import decide
from canary.release.model import Cause, Phase, ReleaseState
from canary.routing.weights import ALL_ON_CANARY
from tests.canary.release.test_machine import BAKING, UP, after, asked

ASKED = after((*UP, events.ApprovalAsked(8, "e-1")))
YES = events.Approved(9, "ada", "e-1")
ORDER = events.PromotionOrdered(10)


@pytest.mark.parametrize(
    "state", [BAKING, ASKED, replace(ASKED, phase=Phase.SHIFTING)], ids=lambda s: s.phase
)
def test_no_promotion_is_ordered_without_an_approval(state: ReleaseState) -> None:
    """Whoever calls, and whatever order the states of the workflow have: the record decides."""
    assert decide(state, ORDER) == (state, ())
    assert decide(after((YES,), ASKED), ORDER)[0].control_header_on_canary


def test_an_approval_says_who_and_when() -> None:
    """Told again soon, people hear of it again; later it changes nothing at all."""
    state, done = decide(ASKED, YES)
    assert (state.phase, state.approved_by, state.approved_at) == (Phase.SHIFTING, "ada", 9)
    (told,) = [each for each in done if isinstance(each, actions.Notify)]
    assert (told.audience, told.text) == ("ml_engineers", "by ada")
    assert decide(state, replace(YES, at=200, by="bob")) == (state, (replace(told, text="by bob"),))
    assert decide(state, replace(YES, at=900)) == (state, ())


def test_only_the_question_that_stands_can_be_approved() -> None:
    """Not one of another execution, nor one that was denied or never asked."""
    for state in (ASKED, BAKING, after((events.ApprovalDenied(9),), ASKED)):
        assert decide(state, events.Approved(10, "ada", "e-0")) == (state, ())
    resumed = after((events.ApprovalDenied(9), events.Resumed(10)), ASKED)
    assert decide(resumed, replace(YES, at=11)) == (resumed, ())


def test_asking_anew_withdraws_an_approval() -> None:
    """After a fault the workflow looks and asks again: the old yes was to an older look."""
    again = after((YES, events.ApprovalAsked(20, "e-2")), ASKED)
    assert (again.phase, again.approved_at, again.asked_in) == (
        Phase.AWAITING_APPROVAL,
        None,
        "e-2",
    )
    assert decide(again, ORDER) == (again, ())
    assert decide(again, replace(YES, at=21)) == (again, ())


def test_an_order_that_died_waits_for_the_new_answer() -> None:
    """Traffic may be on its way: it stays, goes on with a yes, and holds with a no."""
    again = after((YES, ORDER, events.ApprovalAsked(20, "e-2")), ASKED)
    assert (again.phase, again.control_header_on_canary) == (Phase.SHIFTING, True)
    assert decide(again, ORDER) == (again, ())
    approved = after((events.Approved(21, "ada", "e-2"),), again)
    assert asked(approved, ORDER, actions.Shift) == [actions.Shift(ALL_ON_CANARY)]
    held = after((events.ApprovalDenied(21, "no"),), again)
    assert held.hold is not None
    assert (held.hold.cause, held.hold.resume_to) == (Cause.APPROVAL, Phase.SHIFTING)


def test_an_approval_during_a_hold_counts_when_the_hold_is_lifted() -> None:
    """A warning came while a person was reading; nothing moves before it is lifted."""
    held = after((events.AlarmPaused(9, ("canary-harm-csat",)), YES), ASKED)
    assert (held.phase, held.approved_by) == (Phase.HELD, "ada")
    assert decide(held, ORDER) == (held, ())
    assert decide(after((events.Resumed(30),), held), ORDER)[0].control_header_on_canary


def test_a_no_after_a_yes_holds() -> None:
    """The workflow stopped waiting at that moment: it will look and ask again."""
    state = after((YES, events.ApprovalDenied(10, "timed out")), ASKED)
    assert state.hold is not None
    assert (state.hold.resume_to, state.approved_at, state.asked_in) == (Phase.BAKING, None, "")
