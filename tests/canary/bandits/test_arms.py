"""Other arms, other wordings: who keeps what was learned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canary.bandits.arms import RewordedError, check_prompts, with_arms
from canary.bandits.revise import revise
from canary.bandits.state import BanditState
from tests.canary.bandits.logs import RULES, START, thompson


def learned() -> BanditState:
    """Arm a has won often, b has lost often."""
    state = thompson("a", "b")
    first, second = state.arms
    return replace(
        state, arms=(replace(first, successes=90, failures=10), replace(second, failures=100))
    )


def test_the_same_arms_change_nothing() -> None:
    """The very same state, so that nothing is written."""
    state = learned()
    assert with_arms(state, "thompson", ("a", "b"), at=START) is state


def test_a_known_arm_keeps_what_it_learned_and_a_new_one_starts_afresh() -> None:
    """Those that the policy has no more are gone; the next allocation serves the rest."""
    changed = with_arms(learned(), "thompson", ("c", "a"), at=START + 5)
    assert [(arm.name, arm.successes, arm.failures) for arm in changed.arms] == [
        ("c", 0, 0),
        ("a", 90, 10),
    ]
    assert (changed.revision, changed.learning_since) == (1, START + 5)
    revised = revise(changed, RULES, now=START + 5, release_active=False).state
    assert set(revised.current.shares) == {"a", "c"}
    assert revised.current.number == changed.current.number + 1


def test_another_kind_learns_anew() -> None:
    """Counts say nothing of contexts."""
    changed = with_arms(learned(), "linucb", ("a", "b"), at=START)
    assert all(arm.linear is not None and arm.successes == 0 for arm in changed.arms)
    revised = revise(changed, RULES, now=START + 5, release_active=False).state
    assert set(revised.current.linear) == {"a", "b"}


def test_an_arm_removed_for_its_quality_stays_removed() -> None:
    """Until it has another name; and somebody must be left to answer."""
    state = learned()
    state = replace(state, arms=(replace(state.arms[0], removed_at=START), state.arms[1]))
    changed = with_arms(state, "thompson", ("a", "c"), at=START)
    assert [arm.name for arm in changed.served] == ["c"]
    with pytest.raises(ValueError, match="faq: each of a was removed for its quality"):
        with_arms(state, "thompson", ("a",), at=START)


def test_a_prompt_that_changed_under_its_name_is_refused() -> None:
    """What was learned is the old one's; arms that come or go are no such change."""
    before = {"a": "", "b": "Be short."}
    check_prompts("faq", before, {"b": "Be short.", "c": "Be kind."})
    with pytest.raises(RewordedError, match="of faq: the prompt of b changed; give a new wording"):
        check_prompts("faq", before, {"a": "", "b": "Be shorter."})
