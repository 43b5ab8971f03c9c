"""Drawing by hash: reproducible, by the logged probabilities, independent of a release."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from canary.bandits.allocation import Allocation
from canary.bandits.context import Context
from canary.bandits.draw import draw
from canary.bandits.log import Decision
from canary.bandits.shares import PARTS
from canary.bandits.state import BanditState
from canary.routing.assignment import draw as draw_release
from tests.canary.bandits.logs import RULES, START, linucb, thompson


def ninety_ten() -> BanditState:
    shares = Allocation(3, START, shares={"a": 9_000, "b": 1_000})
    return replace(thompson(), current=shares)


def drawn(state: BanditState, number: int, now: float = START) -> Decision:
    return draw(state, conversation_id=f"c{number}", unit_id=f"u{number}", now=now, rules=RULES)


def test_conversations_are_drawn_by_the_probabilities_that_are_logged() -> None:
    """Within four standard errors over 40,000 conversations."""
    state = ninety_ten()
    decisions = [drawn(state, number) for number in range(40_000)]
    share = Counter(each.arm for each in decisions)["b"] / 40_000
    assert abs(share - 0.1) < 4 * (0.1 * 0.9 / 40_000) ** 0.5
    assert decisions[0].shares == {"a": 9_000, "b": 1_000}
    assert decisions[0].allocation == 3


def test_the_same_conversation_gets_the_same_decision() -> None:
    """A retry is no second decision."""
    assert drawn(ninety_ten(), 7) == drawn(ninety_ten(), 7)


def test_a_new_allocation_draws_anew() -> None:
    """From what waits for its time, once that has come."""
    later = Allocation(4, START + 10, shares={"a": 1_000, "b": 9_000})
    state = replace(ninety_ten(), upcoming=later)
    before, after = (drawn(state, 7, START + seconds) for seconds in (9, 10))
    assert (before.allocation, after.allocation) == (3, 4)
    assert (before.shares["b"], after.shares["b"]) == (1_000, 9_000)
    assert before.decision_id != after.decision_id


def test_the_arm_says_nothing_about_the_releases() -> None:
    """Even when both draw by the same id: correlation within four standard errors of none."""
    state = replace(thompson(), current=Allocation(0, START, shares={"a": 5_000, "b": 5_000}))
    both = Counter(
        (drawn(state, number).arm, draw_release(f"c{number}", "test-1", 0.5))
        for number in range(20_000)
    )
    agree = both["a", "control"] + both["b", "canary"]
    assert abs(agree / 20_000 - 0.5) < 4 * (0.25 / 20_000) ** 0.5


def test_a_contextual_bandit_logs_its_context() -> None:
    """The next batch learns from it."""
    context = Context(0.3, "ja", prime=True)
    found = draw(
        linucb(),
        conversation_id="c",
        unit_id="u",
        now=START,
        rules=RULES,
        context=context,
        release_arm="control",
    )
    assert (found.context, found.release_arm) == (context, "control")
    assert sum(found.shares.values()) == PARTS
    with pytest.raises(ValueError, match="context"):
        drawn(linucb(), 1)
