"""Wordings that bandits choose, over real HTTP and a real Valkey: drawn, kept, sent and logged."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from canary.bandits.log import Decision
from canary.bandits.plain import decision_of, plain_servings
from canary.bandits.rules import Rules
from canary.bandits.serving import Serving, Servings, serving
from canary.bandits.state import new_bandit
from canary.policy.compiled_bandits import Bandit, BanditArm
from services.gateway.model import SYSTEM_PROMPT
from tests.services.region import Region, lines, parameter

FAQ = Bandit("faq", "thompson", (BanditArm("as-is", ""), BanditArm("short", "Be short.")))
ORDERS = Bandit("order_tracking", "linucb", (BanditArm("as-is", ""), BanditArm("next", "Say.")))
RULES = Rules()
ABOUT_FAQ = "What are your opening hours?"
ABOUT_ORDER = "Where is my parcel, number 42? 荷物はどこですか"


def published(*bandits: Bandit, at: float = 0.0, sampling: float = 0.0) -> Servings:
    made: dict[str, Serving] = {}
    for each in bandits:
        names = [arm.name for arm in each.arms]
        state = new_bandit(each.intent, each.kind, names, at=at, rules=RULES)
        made[each.intent] = serving(state, each.prompts)
    return Servings(RULES, sampling, made)


async def publish(region: Region, servings: Servings) -> None:
    await region.cache.set("bandits", json.dumps(plain_servings(servings)))


def decisions(events: list[dict[str, Any]]) -> list[Decision]:
    return [decision_of(json.loads(event["bandit"])) for event in events]


async def test_a_conversation_is_drawn_once_and_its_wording_reaches_the_model(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half meet each arm; all turns of a conversation meet one, and log one decision."""
    await publish(region, published(FAQ))
    await region.start_api()
    region.system_prompts.clear()
    for number in range(24):
        for _ in range(2):
            await region.said(f"u{number}", message=ABOUT_FAQ)
    events = lines(capsys.readouterr().out, "turn")
    made = decisions(events)
    assert Counter(each.decision_id for each in made) == {f"faq:0:c-u{n}": 2 for n in range(24)}
    assert {event["intent"] for event in events} == {"faq"}
    by_conversation: dict[str, set[str]] = {}
    for event, decision in zip(events, made, strict=True):
        by_conversation.setdefault(event["conversation_id"], set()).add(decision.arm)
        assert (event["bandit_arm"], event["bandit_p"]) == (decision.arm, 0.5)
        assert (decision.shares, decision.allocation) == ({"as-is": 5000, "short": 5000}, 0)
        assert decision.unit_id == event["unit_id"]
        assert decision.release_arm is None
    assert all(len(arms) == 1 for arms in by_conversation.values())
    wordings = Counter(tuple(each) for each in region.system_prompts)
    arms = Counter(each.arm for each in made)
    assert set(arms) == {"as-is", "short"}
    assert wordings == {
        (SYSTEM_PROMPT,): arms["as-is"],
        (SYSTEM_PROMPT, "Be short."): arms["short"],
    }


async def test_a_new_allocation_leaves_conversations_under_way_as_they_are(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was decided stays, with its probability then; a new conversation is drawn anew."""
    await publish(region, published(FAQ))
    await region.start_api()
    for number in range(12):
        await region.said(f"u{number}", message=ABOUT_FAQ)
    before = {d.unit_id: d for d in decisions(lines(capsys.readouterr().out, "turn"))}
    served = published(FAQ)
    moved = Servings(
        RULES,
        0.0,
        {
            "faq": Serving(
                "faq",
                type(served.intents["faq"].current)(7, 1.0, shares={"as-is": 1000, "short": 9000}),
                {"as-is": "", "short": "Be short."},
            )
        },
    )
    await publish(region, moved)
    for number in range(12):
        await region.said(f"u{number}", message=ABOUT_FAQ)
        await region.said(f"u{number}", f"new-{number}", message=ABOUT_FAQ)
    after = decisions(lines(capsys.readouterr().out, "turn"))
    assert {d.unit_id: d for d in after if d.allocation == 0} == before
    assert sum(d.shares == {"as-is": 1000, "short": 9000} for d in after) == 12


async def test_a_contextual_bandit_logs_what_it_saw(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Complexity, language and tier of the first message; in a release the arm that answered."""
    region.parameter = parameter()
    await publish(region, published(ORDERS))
    await region.start_api()
    body = await region.said("ann", message=ABOUT_ORDER)
    [event] = lines(capsys.readouterr().out, "turn")
    [decision] = decisions([event])
    assert decision.context is not None
    assert (decision.context.language, decision.context.prime) == ("ja", False)
    assert 0 < decision.context.complexity < 1
    assert decision.release_arm == body["arm"]


async def test_the_mix_of_wordings_is_the_same_in_both_arms_of_a_release(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wording is drawn without regard to the arm: both meet both."""
    region.parameter = parameter()
    await publish(region, published(FAQ))
    await region.start_api()
    for number in range(40):
        await region.said(f"u{number}", message=ABOUT_FAQ)
    met = Counter(
        (event["arm"], event["bandit_arm"]) for event in lines(capsys.readouterr().out, "turn")
    )
    assert len(met) == 4
    assert min(met.values()) >= 3


@pytest.mark.parametrize("text", ["no json", "[]", '{"schema": 99}', '{"schema": 1}'])
async def test_without_readable_bandits_customers_are_answered_as_ever(
    region: Region, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """A document that cannot be read, and one that was never published, are no bandits."""
    await region.start_api()
    await region.said("ann", message=ABOUT_FAQ)
    await region.cache.set("bandits", text)
    await region.said("bob", message=ABOUT_FAQ)
    events = lines(capsys.readouterr().out, "turn")
    assert len(events) == 2
    assert not any(name.startswith("bandit") for event in events for name in event)


async def test_with_redis_down_nothing_is_drawn(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the cache a turn is answered, and teaches nothing."""
    await publish(region, published(FAQ))
    await region.start_api()
    region.valkey.stop()
    await region.said("ann", message=ABOUT_FAQ)
    [event] = lines(capsys.readouterr().out, "turn")
    assert "bandit" not in event


async def test_a_share_of_first_answers_goes_with_its_text(
    region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scored answers carry their text, later turns and others do not; no detector reads them."""
    await publish(region, published(FAQ, sampling=0.5))
    await region.start_api()
    for number in range(24):
        for _ in range(2):
            await region.said(f"u{number}", message=ABOUT_FAQ)
    events = lines(capsys.readouterr().out, "turn")
    scored = [event for event in events if event["bandit_scored"]]
    assert 4 < len(scored) < 20
    assert {event["turn"] for event in scored} == {1}
    assert [event for event in events if event.get("text")] == scored
    assert not any(event["sampled"] for event in events)
