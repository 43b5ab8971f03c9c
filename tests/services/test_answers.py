"""Answers given again: to whom, of which model, and what is counted of it."""

from __future__ import annotations

from typing import Any

import pytest

from services.api.answers import fingerprint, shareable
from tests.services.region import CANDIDATE, CONTROL_MODEL, Region, lines, parameter
from tests.services.test_streaming import stream
from tests.services.test_turns import unit_drawn

QUESTION = "What are your opening hours?"


async def test_a_repeated_question_is_answered_by_its_own_arms_answer(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once a model; later askers get it without a call, flagged, in the arm drawn for them."""
    await region.publish_after_start(parameter(sampling=1.0))
    said: dict[str, list[str]] = {"control": [], "canary": []}
    for n in range(12):
        body = await region.said(f"u{n}", message=QUESTION.upper() if n % 2 else QUESTION + " ")
        said[body["arm"]].append(body["text"])
        assert body["model_version"] == {"control": CONTROL_MODEL, "canary": CANDIDATE}[body["arm"]]
    assert all(len(texts) > 1 and len(set(texts)) == 1 for texts in said.values())
    assert said["control"][0] != said["canary"][0]
    assert [path for path, _ in region.requests].count("/v1/converse") == 2
    events = lines(capsys.readouterr().out, "turn")
    assert len(events) == 12
    hits = [event for event in events if event["cache_hit"]]
    assert len(hits) == 10
    for event in hits:
        assert (event["status"], event["served_by"]) == ("ok", event["arm"])
        assert (event["sampled"], event["output_tokens"]) == (False, 0)
    names = await region.cache.keys("chat:answer:*")
    assert {name.split(":")[2] for name in names} == {CONTROL_MODEL, CANDIDATE}


async def test_a_hit_is_streamed_and_is_in_the_history(region: Region) -> None:
    """As any answer: one piece, the same text, and the next turn is the second and no hit."""
    await region.publish_after_start(parameter(rate=0.0))
    first = await region.said("ann", "c1", message="hours? hello")
    await region.cache.set(await kept_name(region, "Is there a discount?"), "Ten per cent.")
    body: dict[str, Any] = {"message": "Is there a discount?", "customer_id": "bob"}
    again = await region.said("bob", "c2", message=body["message"])
    assert again["text"] == "Ten per cent."
    history = await region.cache.lrange("chat:history:bob", 0, -1)
    assert len(history) == 2
    assert "Ten per cent." in history[1]
    later = await region.said("bob", "c2", message=body["message"])
    assert (later["turn"], later["text"] == again["text"]) == (2, False)
    assert first["turn"] == 1


async def kept_name(region: Region, message: str) -> str:
    """Where control's answer to a question would be."""
    return f"chat:answer:{CONTROL_MODEL}:{fingerprint(message)}"


@pytest.mark.parametrize(
    "message",
    [
        "Can you recommend something?",
        "What are your opening hours? My order number is 123-4567890-1234567.",
        "What are your opening hours? " * 10,
    ],
)
async def test_what_is_personal_or_rare_is_not_kept(region: Region, message: str) -> None:
    """Intents that the policy does not name, words that point to a person, long questions."""
    await region.publish_after_start(parameter())
    for unit in ("ann", "bob"):
        await region.said(unit, message=message)
    assert await region.cache.keys("chat:answer:*") == []


async def test_what_control_answered_in_a_canarys_place_is_not_the_canarys(
    region: Region,
) -> None:
    """Neither arm keeps it: the canary has none, and control was not the one that was asked."""
    await region.publish_after_start(parameter())
    region.status["canary"] = 503
    await region.said(unit_drawn("canary"), message=QUESTION)
    assert await region.cache.keys("chat:answer:*") == []


async def test_without_a_published_model_nothing_is_given_again(region: Region) -> None:
    """Before the first release nobody knows which model an answer would have to be of."""
    await region.start_api()
    for unit in ("ann", "bob"):
        await region.said(unit, message=QUESTION)
    assert [path for path, _ in region.requests].count("/v1/converse") == 2


async def test_hits_of_a_stream_are_one_piece(region: Region) -> None:
    """The customer's client needs no case of its own."""
    await region.publish_after_start(parameter(rate=0.0))
    await region.cache.set(await kept_name(region, "hello"), "Hi.")
    region.states[0]["turns"]._cached_intents = frozenset({"chitchat"})
    events = await stream(region, "ann")
    assert [name for name, _ in events] == ["delta", "done"]
    assert events[0][1]["text"] == events[1][1]["text"] == "Hi."


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Do you ship abroad?", "  do you   SHIP abroad ", True),
        ("海外発送はできますか。", "海外発送はできますか", True),
        ("Do you ship abroad?", "Do you ship to Japan?", False),
    ],
)
def test_a_question_is_the_same_whatever_its_width_case_and_spaces(
    one: str, other: str, same: bool
) -> None:
    """What does not change a question does not change its name."""
    assert (fingerprint(one) == fingerprint(other)) is same


def test_what_points_to_a_person_is_not_shared() -> None:
    """In the question or in the answer."""
    assert shareable("Do you ship abroad?", "Yes, we do.")
    assert not shareable("Do you ship to ann@example.com?", "Yes, we do.")
    assert not shareable("Do you ship abroad?", "Yes, order 123-4567890-1234567 will.")
