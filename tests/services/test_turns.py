"""Turns over real HTTP: who answers, what the customer sees, what is written down."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from canary.events.schema import fields_of
from canary.routing.assignment import draw
from tests.services.region import CANDIDATE, CONTROL_MODEL, Region, lines, parameter, world


def unit_drawn(arm: str) -> str:
    """A unit that the hash draws to `arm` at 50%."""
    return next(f"u{n}" for n in range(100) if draw(f"u{n}", "t1", 0.5) == arm)


async def test_without_a_release_control_answers_and_the_event_carries_no_arm(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Outside a release a turn is control's and is counted in no test."""
    await region.start_api()
    body = await region.said("ann", message="Can you recommend something?")
    [event] = lines(capsys.readouterr().out, "turn")
    assert (body["arm"], body["model_version"], body["turn"]) == ("control", CONTROL_MODEL, 1)
    assert [event[key] for key in ("arm", "p_canary", "test_id", "release_id", "stage")] == [
        None
    ] * 5
    assert event["intent"] == "recommendation"
    assert (event["served_by"], event["model_id"], event["status"]) == (
        "control",
        CONTROL_MODEL,
        "ok",
    )


async def test_an_arm_is_sticky_across_turns_conversations_tasks_and_stages(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """A unit keeps its arm whatever it talks about, whichever task answers, as rates rise."""
    region.parameter = parameter(rate=0.3)
    first, second = await region.start_api(), await region.start_api()
    units = [f"u{n}" for n in range(20)]
    before = {unit: (await region.said(unit, api=first))["arm"] for unit in units}
    await region.publish(parameter(rate=0.9, stage=4, version=2))
    for unit in units:
        asked = {"message": "Is there a discount?", "api": second}
        assert (await region.said(unit, **asked))["arm"] == before[unit]
        assert (await region.said(unit, f"later-{unit}", **asked))["arm"] == before[unit]
    assert set(before.values()) == {"control", "canary"}
    events = lines(capsys.readouterr().out, "turn")
    assert Counter(event["first_of_unit"] for event in events) == {True: 20, False: 40}
    assert {event["stage"] for event in events} == {3}
    assert {event["p_canary"] for event in events} == {0.3}
    assert [e["turn"] for e in events if e["conversation_id"] == "c-u3"] == [1, 2]


@pytest.mark.parametrize(("code", "seen"), [(503, "error"), (504, "error"), (429, "throttled")])
async def test_a_failed_canary_attempt_is_answered_by_control_and_stays_in_its_arm(
    region: Region, capsys: pytest.CaptureFixture[str], code: int, seen: str
) -> None:
    """The customer is served; the error or the throttle is the drawn arm's."""
    region.parameter = parameter()
    await region.start_api()
    region.status["canary"] = code
    unit = unit_drawn("canary")
    body = await region.said(unit)
    [event] = lines(capsys.readouterr().out, "turn")
    assert (body["arm"], body["model_version"]) == ("canary", CONTROL_MODEL)
    assert body["reassigned_reason"] is None
    assert (event["arm"], event["served_by"], event["model_id"]) == (
        "canary",
        "control",
        CONTROL_MODEL,
    )
    assert (event["fallback"], event["error"], event["throttled"], event["status"]) == (
        True,
        seen == "error",
        seen == "throttled",
        "ok",
    )
    assert [header for path, header in region.requests if path == "/v1/converse"] == [
        "canary",
        "control",
    ]


@pytest.mark.parametrize(
    ("code", "answer", "attempts"), [(503, 502, 2), (429, 502, 2), (504, 504, 1)]
)
async def test_when_control_fails_the_customer_sees_it_after_one_more_try(
    region: Region, capsys: pytest.CaptureFixture[str], code: int, answer: int, attempts: int
) -> None:
    """502 or 504, at most two attempts, and an event in which no model answered."""
    region.parameter = parameter()
    await region.start_api()
    region.status["primary"] = code
    unit = unit_drawn("control")
    status, _ = await region.chat(unit)
    [event] = lines(capsys.readouterr().out, "turn")
    assert status == answer
    assert (event["model_id"], event["served_by"]) == (None, None)
    assert (event["arm"], event["error"]) == ("control", code != 429)
    assert len([path for path, _ in region.requests if path == "/v1/converse"]) == attempts
    region.status.clear()
    assert (await region.said(unit))["turn"] == 1


async def test_a_models_own_failures_come_through_the_gateway(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """A candidate that always fails or throttles is seen as that, not as its load balancer."""
    region.world.__dict__.update(world({"arm": "canary", "throttle_rate": 1.0}).__dict__)
    region.parameter = parameter()
    await region.start_api()
    unit = unit_drawn("canary")
    await region.said(unit)
    region.world.__dict__.update(world({"arm": "canary", "error_rate": 1.0}).__dict__)
    await region.said(unit)
    throttled, failed = lines(capsys.readouterr().out, "turn")
    assert (throttled["throttled"], throttled["error"]) == (True, False)
    assert (failed["throttled"], failed["error"]) == (False, True)


async def test_a_parameter_older_than_a_minute_means_control_for_everyone(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pinned conversations move and say so; new units are not drawn; the parameter heals it."""
    region.parameter = parameter(rate=1.0)
    await region.start_api()
    assert (await region.said("ann"))["arm"] == "canary"
    await region.publish(None)
    assert (await region.said("ann"))["arm"] == "canary"
    region.clock.ahead += 61
    moved, new = await region.said("ann"), await region.said("bob")
    assert (moved["arm"], moved["reassigned_reason"]) == ("control", "canary_unavailable")
    assert (new["arm"], new["reassigned_reason"]) == ("control", None)
    await region.publish(parameter(rate=1.0))
    assert (await region.said("cid"))["arm"] == "canary"
    assert (await region.said("bob"))["arm"] == "control"
    events = lines(capsys.readouterr().out, "turn")
    assert [event["arm"] for event in events] == ["canary", "canary", None, None, "canary", None]


async def test_a_rollback_moves_pinned_canary_conversations_and_says_why(region: Region) -> None:
    """Once the parameter is inactive, or Redis says so, the canary's turns are control's."""
    region.parameter = parameter(rate=1.0)
    await region.start_api()
    await region.said("ann")
    await region.said("bob")
    await region.cache.set("canary_active", "false")
    moved = await region.said("ann")
    await region.cache.delete("canary_active")
    await region.publish(parameter(rate=1.0, active=False))
    also = await region.said("bob")
    for body in (moved, also):
        assert (body["arm"], body["reassigned_reason"]) == ("control", "canary_rollback")
        assert body["model_version"] == CONTROL_MODEL
    again = await region.said("ann")
    assert (again["arm"], again["reassigned_reason"]) == ("control", None)


@pytest.mark.parametrize(
    ("drawn", "target", "arm", "reason"),
    [
        ("canary", "primary", "control", "canary_rollback"),
        ("control", "canary", "canary", "promotion"),
    ],
)
async def test_when_the_rules_moved_first_the_turn_follows_the_answer(
    region: Region, drawn: str, target: str, arm: str, reason: str
) -> None:
    """The gateway that answered is the truth; the conversation moves once, with its reason."""
    region.parameter = parameter()
    await region.start_api()
    unit = unit_drawn(drawn)
    assert (await region.said(unit))["arm"] == drawn
    region.rules[drawn] = target
    moved, after = await region.said(unit), await region.said(unit)
    assert (moved["arm"], moved["reassigned_reason"]) == (arm, reason)
    assert after["arm"] == arm


async def test_alb_draws_are_claimed_once_under_concurrency(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Many first turns of one unit at once, on two tasks, end in one arm and one draw."""
    region.parameter = parameter(routing="alb")
    region.rules["draw"] = ["canary", "primary", "primary", "canary"]
    tasks = [await region.start_api(), await region.start_api()]
    for unit in ("ann", "bob", "cid"):
        bodies = await asyncio.gather(
            *(region.said(unit, f"{unit}-{n}", api=tasks[n % 2]) for n in range(8))
        )
        assert len({body["arm"] for body in bodies}) == 1
    events = lines(capsys.readouterr().out, "turn")
    firsts = Counter(event["unit_id"] for event in events if event["first_of_unit"])
    assert firsts == {"ann": 1, "bob": 1, "cid": 1}
    assert sum(path == "/arm" for path, _ in region.requests) > 3


async def test_a_failed_alb_draw_is_control_and_outside_the_test(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the listener's answer nobody knows the probability: the unit is in no arm."""
    region.parameter = parameter(routing="alb")
    region.rules["draw"] = ["canary"]
    region.status["canary"] = 503
    await region.start_api()
    body = await region.said("ann")
    [event] = lines(capsys.readouterr().out, "turn")
    assert (body["arm"], event["arm"], event["p_canary"]) == ("control", None, None)


async def test_redis_failing_mid_conversation_serves_on_in_the_same_arm(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """The task that drew the unit remembers it; a unit nobody remembers is control, and says so."""
    region.parameter = parameter(rate=1.0)
    await region.start_api()
    assert (await region.said("ann"))["arm"] == "canary"
    region.valkey.stop()
    assert (await region.said("ann"))["arm"] == "canary"
    lost = await region.said("bob")
    assert (lost["arm"], lost["reassigned_reason"]) == ("control", "canary_unavailable")
    events = lines(capsys.readouterr().out, "turn")
    assert [event["arm"] for event in events] == ["canary", "canary", None]
    assert not any(event["slow"] for event in events)


async def test_what_another_version_left_in_redis_is_ignored(region: Region) -> None:
    """A record or a history that cannot be read never fails a turn."""
    region.parameter = parameter(rate=1.0)
    await region.start_api()
    await region.cache.set("ab:session:ann", '{"arm": "canary"}')
    await region.cache.rpush("chat:history:ann", '{"who": "ann"}', "no json")
    first, second = await region.said("ann"), await region.said("ann")
    assert (first["arm"], first["turn"]) == ("canary", 1)
    assert (second["arm"], second["turn"]) == ("canary", 2)


async def test_each_turn_is_one_event_and_events_carry_what_the_contract_says(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """As many turn events as answered turns, unique, with the contract's fields and no other."""
    region.parameter = parameter(sampling=0.5)
    await region.start_api()
    units = [f"u{n}" for n in range(30)]
    await asyncio.gather(*(region.said(unit) for unit in units))
    await asyncio.gather(*(region.said(unit) for unit in units))
    events = lines(capsys.readouterr().out, "turn")
    assert len({event["event_id"] for event in events}) == len(events) == 60
    sampled = [event for event in events if event["sampled"]]
    for event in events:
        assert ("text" in event) == ("question" in event) == event["sampled"]
    assert all(event["error"] is event["error_flag"] for event in events)
    assert 15 <= len(sampled) <= 45
    bandits = {each for each in fields_of("turn") if each.startswith("bandit")}
    assert set(events[0]) | {"question", "text"} | bandits == fields_of("turn")
    assert Counter(event["arm"] for event in events) == Counter(
        {arm: 2 * sum(draw(unit, "t1", 0.5) == arm for unit in units) for arm in ARMS}
    )
    assert all(event["model_id"] == MODELS[event["arm"]] for event in events)


async def test_an_outcome_is_joined_to_the_arm_drawn_for_its_conversation(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also after the conversation moved; without a test it carries no arm."""
    await region.start_api()
    await region.said("old")
    await region.publish(parameter(rate=1.0))
    await region.said("ann")
    region.rules["canary"] = "primary"
    await region.said("ann")
    for unit in ("ann", "old"):
        who = {"session_id": f"cookie-{unit}", "customer_id": unit, "conversation_id": f"c-{unit}"}
        await taken(region, "events", {**who, "events": ["offer", "resolved"]})
    await taken(region, "feedback", {**who, "csat": 4})
    joined, outside, rated = lines(capsys.readouterr().out, "outcome")
    assert set(joined) == fields_of("outcome")
    assert [joined[key] for key in ("arm", "p_canary", "test_id", "release_id", "stage")] == [
        "canary",
        1.0,
        "t1",
        "r1",
        3,
    ]
    assert (joined["stratum"], joined["completed"], joined["clicked"]) == ("chitchat", True, False)
    assert (joined["csat"], joined["cart_abandoned"], joined["escalated"]) == (None, None, None)
    assert (outside["arm"], outside["test_id"]) == (None, None)
    assert (rated["completed"], rated["csat"]) == (None, 4)


async def test_a_draw_is_one_event_and_a_report_told_twice_is_one_event(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """A unit's assignment has the turn's arm; what a client reports twice has one id."""
    await region.start_api()
    await region.publish(parameter(rate=0.5))
    units = [f"u{n}" for n in range(8)]
    for _ in range(2):
        await asyncio.gather(*(region.said(unit) for unit in units))
    who = {"session_id": "cookie-u1", "customer_id": "u1", "conversation_id": "c-u1"}
    for csat in (4, 4, 3):
        await taken(region, "feedback", {**who, "csat": csat})
    output = capsys.readouterr().out
    drawn = lines(output, "assignment")
    assert set(drawn[0]) == fields_of("assignment")
    assert sorted(event["unit_id"] for event in drawn) == units
    arms = {event["unit_id"]: event["arm"] for event in lines(output, "turn")}
    assert {event["unit_id"]: event["arm"] for event in drawn} == arms
    first, second, other = (event["event_id"] for event in lines(output, "outcome"))
    assert first == second != other


async def taken(region: Region, what: str, body: dict[str, Any]) -> None:
    """Report a part of an outcome."""
    async with region.session.post(f"{region.api}/v1/{what}", json=body) as response:
        assert response.status == 202, await response.text()


ARMS = ("control", "canary")
MODELS = {"control": CONTROL_MODEL, "canary": CANDIDATE}
