"""Drawing, pinning and moving units."""

from __future__ import annotations

from typing import Any, get_args

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.routing.assignment import (
    PIN_SECONDS,
    Assignment,
    Reason,
    Resolution,
    bucket,
    confirm,
    draw,
    needs_draw,
    resolve,
)
from canary.routing.parameter import AssignmentParameter, ParameterView

RATES = {"faq": 0.5, "chitchat": 1.0, "nobody": 0.0}
ACTIVE = AssignmentParameter(
    active=True,
    release_id="r1",
    test_id="t1",
    stage=1,
    rates=RATES,
    canary_model="b",
    control_model="a",
    policy_version="p",
)
UNITS = st.text(min_size=1, max_size=20)


def turn(
    record: Assignment | None,
    parameter: AssignmentParameter | None = ACTIVE,
    *,
    conversation: str = "c1",
    intent: str = "chitchat",
    now: float = 0.0,
    read_at: float | None = None,
    unit: str = "u1",
    **options: Any,
) -> Resolution:
    """One turn under a parameter read just now."""
    view = ParameterView(parameter, now if read_at is None else read_at)
    return resolve(
        record, view, unit_id=unit, conversation_id=conversation, intent=intent, now=now, **options
    )


@given(UNITS, UNITS)
def test_bucket_is_reproducible_and_in_range(unit: str, test: str) -> None:
    """The same unit falls in the same of 10,000 buckets."""
    assert bucket(unit, test) == bucket(unit, test)
    assert 0 <= bucket(unit, test) < 10_000


@given(UNITS, UNITS, st.floats(0, 1), st.floats(0, 1))
def test_draw_is_monotone_in_the_rate(unit: str, test: str, one: float, other: float) -> None:
    """A unit that is canary at a rate is canary at every higher rate."""
    low, high = sorted((one, other))
    assert not (draw(unit, test, low) == "canary" and draw(unit, test, high) == "control")


@pytest.mark.parametrize("rate", [0.05, 0.25, 0.5])
def test_draw_share_is_within_its_binomial_bounds(rate: float) -> None:
    """Of 20,000 units the share drawn is within 4 standard errors of the rate."""
    drawn = sum(draw(f"unit-{i}", "t1", rate) == "canary" for i in range(20_000)) / 20_000
    assert abs(drawn - rate) < 4 * (rate * (1 - rate) / 20_000) ** 0.5


def test_draws_of_two_tests_are_independent() -> None:
    """A new attempt does not expose the same units again."""
    both = sum(draw(f"u{i}", "t1", 0.5) == draw(f"u{i}", "t2", 0.5) for i in range(10_000))
    assert abs(both / 10_000 - 0.5) < 0.02


def test_without_a_release_everyone_is_control_and_in_no_arm() -> None:
    """The seeded parameter draws nobody."""
    found = turn(None, AssignmentParameter())
    assert (found.serve, found.arm, found.reassigned_reason) == ("control", None, None)
    assert found.record.arm is None
    assert found.record.arm_of("c1") is None


def test_a_first_turn_draws_and_records_the_probability_in_force() -> None:
    """The record carries what the analysis needs."""
    found = turn(None, now=5.0)
    assert (found.serve, found.arm, found.first_of_unit) == ("canary", "canary", True)
    record = found.record
    assert (record.p_canary, record.stratum, record.stage, record.test_id) == (
        1,
        "chitchat",
        1,
        "t1",
    )
    assert (record.assigned_at, record.model_version) == (5.0, "b")
    assert record.arm_of("c1") == "canary"


def test_a_pin_outlives_rising_rates_for_seven_days() -> None:
    """A control unit stays control at 100%, until its pin has expired."""
    unit = next(f"u{i}" for i in range(100) if draw(f"u{i}", "t1", 0.5) == "control")
    first = turn(None, unit=unit, intent="faq")
    later = AssignmentParameter(active=True, test_id="t1", stage=3, rates={"faq": 1.0})
    pinned = turn(
        first.record, later, unit=unit, intent="faq", conversation="c2", now=PIN_SECONDS - 1
    )
    assert (pinned.serve, pinned.first_of_unit) == ("control", False)
    assert pinned.record.p_canary == 0.5
    expired = turn(first.record, later, unit=unit, intent="faq", conversation="c2", now=PIN_SECONDS)
    assert (expired.serve, expired.first_of_unit) == ("canary", True)


def test_a_conversation_under_way_is_not_drawn() -> None:
    """A release that starts between two turns waits for the next conversation."""
    before = turn(None, AssignmentParameter())
    same = turn(before.record, now=9)
    assert (same.serve, same.arm, same.reassigned_reason) == ("control", None, None)
    following = turn(same.record, conversation="c2", now=10)
    assert (following.serve, following.arm) == ("canary", "canary")
    again = turn(following.record, now=11)
    assert (again.serve, again.arm, again.reassigned_reason) == ("control", None, None)


def test_later_intents_are_noted_and_never_redraw() -> None:
    """The first message's intent is the stratum."""
    first = turn(None)
    second = turn(first.record, intent="nobody")
    assert second.serve == "canary"
    assert second.record.stratum == "chitchat"
    assert second.record.intent_assignments == {"chitchat": "canary", "nobody": "canary"}


def test_an_intent_without_a_rate_stays_outside() -> None:
    """No rate, no arm: the unit may be drawn in a later conversation."""
    assert turn(None, intent="unheard of").arm is None
    assert turn(None, intent="nobody").arm is None


def test_a_rollback_moves_the_canarys_conversations_once() -> None:
    """The first turn after it says canary_rollback; the drawn arm stays for the analysis."""
    first = turn(None)
    moved = turn(first.record, AssignmentParameter(test_id="t1"), now=1)
    assert (moved.serve, moved.arm, moved.reassigned_reason) == ("control", None, "canary_rollback")
    assert moved.record.reassigned_at == 1
    assert moved.record.arm_of("c1") == "canary"
    after = turn(moved.record, AssignmentParameter(test_id="t1"), now=2)
    assert (after.serve, after.reassigned_reason) == ("control", None)


def test_either_source_saying_inactive_serves_control() -> None:
    """Redis's flag closes a canary that the parameter still shows open."""
    first = turn(None)
    assert turn(first.record, flag=False).reassigned_reason == "canary_rollback"
    assert turn(first.record, flag=True).serve == "canary"
    assert turn(first.record, AssignmentParameter(), flag=True).serve == "control"
    assert turn(None, flag=False).arm is None


def test_a_stale_parameter_serves_control_until_the_conversation_ends() -> None:
    """After 60 s without a read nobody is canary; the next conversation returns to its arm."""
    first = turn(None)
    assert turn(first.record, now=60, read_at=0).serve == "canary"
    stale = turn(first.record, now=61, read_at=0)
    assert (stale.serve, stale.arm, stale.reassigned_reason) == (
        "control",
        None,
        "canary_unavailable",
    )
    back = turn(stale.record, now=70)
    assert (back.serve, back.arm, back.reassigned_reason) == ("control", None, None)
    following = turn(back.record, conversation="c2", now=71)
    assert (following.serve, following.arm, following.first_of_unit) == ("canary", "canary", False)


def test_a_promotion_moves_control_once() -> None:
    """Pinned, undrawn and new units are all canary, and the moved ones say why."""
    promoting = AssignmentParameter(
        active=True, test_id="t1", stage=4, rates={"nobody": 1.0}, promoting=True
    )
    pinned = turn(
        None,
        AssignmentParameter(active=True, test_id="t1", rates={"nobody": 1e-9}),
        intent="nobody",
    )
    assert pinned.arm == "control"
    moved = turn(pinned.record, promoting)
    assert (moved.serve, moved.arm, moved.reassigned_reason) == ("canary", "canary", "promotion")
    assert turn(moved.record, promoting).reassigned_reason is None
    assert turn(None, promoting).reassigned_reason is None
    promoted = AssignmentParameter(test_id="t1", promoted=True)
    assert turn(moved.record, promoted).reassigned_reason == "promotion"


def test_a_new_test_draws_anew_from_its_own_salt() -> None:
    """The earlier pin says nothing about the next test."""
    first = turn(None)
    again = turn(
        first.record,
        AssignmentParameter(active=True, test_id="t2", rates={"chitchat": 1e-9}),
        conversation="c2",
    )
    assert (again.arm, again.first_of_unit, again.record.test_id) == ("control", True, "t2")


def test_alb_routing_takes_the_listeners_draw_and_excludes_a_failed_one() -> None:
    """The arm is asked for once, for a new unit; without an answer the conversation is control."""
    alb = AssignmentParameter(active=True, test_id="t1", rates={"faq": 0.05}, routing="alb")
    view = ParameterView(alb, 0)
    assert needs_draw(None, view, conversation_id="c1", now=0)
    drawn = turn(None, alb, drawn="canary", intent="faq")
    assert (drawn.arm, drawn.record.p_canary) == ("canary", 0.05)
    assert not needs_draw(drawn.record, view, conversation_id="c2", now=0)
    failed = turn(None, alb, drawn=None, intent="faq")
    assert (failed.serve, failed.arm) == ("control", None)
    assert not needs_draw(failed.record, view, conversation_id="c1", now=0)
    assert needs_draw(failed.record, view, conversation_id="c2", now=0)


def test_a_lost_session_is_control_and_says_so() -> None:
    """Without Redis the conversation's last arm is unknown."""
    found = turn(None, session_lost=True)
    assert (found.serve, found.arm, found.reassigned_reason) == (
        "control",
        None,
        "canary_unavailable",
    )


def test_confirm_follows_rules_that_moved_before_the_parameter() -> None:
    """Between a rollback's shift and the next poll the primary answers for the canary."""
    first = turn(None)
    second = turn(first.record, now=1)
    seen = confirm(
        second, ParameterView(ACTIVE, 1), conversation_id="c1", served_by="control", now=1
    )
    assert (seen.serve, seen.arm, seen.reassigned_reason) == (
        "control",
        "canary",
        "canary_rollback",
    )
    third = turn(seen.record, now=2)
    assert (third.serve, third.reassigned_reason) == ("control", None)


def test_a_record_survives_a_round_trip() -> None:
    """Redis gives back what was stored."""
    record = turn(turn(None).record, AssignmentParameter(test_id="t1"), now=1).record
    assert Assignment.from_dict(orjson.loads(orjson.dumps(record))) == record


PARAMETERS = st.sampled_from(
    [
        None,
        AssignmentParameter(),
        ACTIVE,
        AssignmentParameter(test_id="t1"),
        AssignmentParameter(
            active=True, test_id="t1", stage=3, rates={"faq": 1.0, "chitchat": 1.0}
        ),
        AssignmentParameter(active=True, test_id="t1", stage=4, rates=RATES, promoting=True),
        AssignmentParameter(test_id="t1", promoted=True),
        AssignmentParameter(active=True, test_id="t2", rates={"faq": 0.3, "chitchat": 0.01}),
        AssignmentParameter(active=True, test_id="t3", rates={"faq": 0.3}, routing="alb"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(
            PARAMETERS,
            st.sampled_from(["c1", "c2", "c3"]),
            st.sampled_from(["faq", "chitchat", "nobody", "new"]),
            st.sampled_from([None, True, False]),
            st.sampled_from([None, "control", "canary"]),
            st.floats(0, 4 * 86_400),
            st.sampled_from([None, "control", "canary"]),
        ),
        max_size=25,
    ),
    st.sampled_from([f"u{i}" for i in range(10)]),
)
def test_no_turn_changes_its_conversations_arm_without_a_reason(
    turns: list[tuple[Any, ...]], unit: str
) -> None:
    """Whatever is published, polled, lost or answered, each change of arm says why."""
    record, now = None, 0.0
    last: dict[str, str] = {}
    for parameter, conversation, intent, flag, drawn, later, answered in turns:
        now += later
        found = turn(
            record,
            parameter,
            conversation=conversation,
            intent=intent,
            now=now,
            unit=unit,
            flag=flag,
            drawn=drawn,
        )
        if answered:
            view = ParameterView(parameter, now)
            found = confirm(found, view, conversation_id=conversation, served_by=answered, now=now)
        if last.get(conversation, found.serve) != found.serve:
            assert found.reassigned_reason in get_args(Reason)
        last[conversation] = found.serve
        record = Assignment.from_dict(orjson.loads(orjson.dumps(found.record)))
        assert record.conversations[conversation].served == found.serve
