"""LinUCB's stored sums against the library's arm, and who is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.bandits.allocation import Allocation
from canary.bandits.context import DIMENSION, Context
from canary.bandits.linear import LinearModel, LinearSums, chosen
from canary.bandits.rules import Rules
from canary.bandits.shares import PARTS
from canary.statistics.linear_bandit import LinearArm
from tests.canary.bandits.logs import RULES

contexts = st.builds(
    Context, st.floats(0, 1), st.sampled_from(["en", "ja", "other"]), st.booleans()
)


@given(st.lists(st.tuples(contexts, st.booleans()), max_size=20), contexts)
def test_sums_in_batches_choose_as_the_library_that_learns_one_at_a_time(
    seen: list[tuple[Context, bool]], asked: Context
) -> None:
    """Mean and upper bound to ten digits, however decisions fall into batches."""
    arm, sums = LinearArm(DIMENSION), LinearSums.empty(DIMENSION)
    for context, success in seen:
        arm.learn(context.vector(), float(success))
    for part in (seen[:7], seen[7:]):
        if part:
            sums = sums.plus([c.vector() for c, _ in part], [float(s) for _, s in part])
    mean, spread = LinearModel.of((sums,), 1.0).predictions(asked.vector())
    expected = arm.score(asked.vector(), alpha=1.5)
    assert mean[0] + 1.5 * spread[0] == pytest.approx(expected.upper, abs=1e-10)
    assert sums.n == len(seen)


def test_many_contexts_at_once_are_each_as_if_alone() -> None:
    """A review asks about hundreds."""
    rng = np.random.default_rng(5)
    arms = tuple(LinearSums.empty(3).plus(rng.random((20, 3)), rng.random(20)) for _ in range(2))
    x = rng.random((6, 3))
    model = LinearModel.of(arms, 2.0)
    mean, spread = model.predictions(x)
    for row in range(6):
        alone = model.predictions(x[row])
        assert (mean[row], spread[row]) == (pytest.approx(alone[0]), pytest.approx(alone[1]))


def test_arms_that_tie_share() -> None:
    """At the start nothing is known, so nobody is preferred for being first."""
    assert chosen([1.0, 1.0, 0.5]).tolist() == [0.5, 0.5, 0.0]


def test_the_floor_holds_in_every_context_and_the_best_there_gets_the_rest() -> None:
    """Two arms, each good in one language: the choice follows the language."""
    english, japanese = (Context(0.5, each, prime=False) for each in ("en", "ja"))
    vectors = np.array([english.vector(), japanese.vector()] * 200)
    good_in_english = np.array([1.0, 0.0] * 200)
    empty = LinearSums.empty(DIMENSION)
    allocation = Allocation(
        1,
        0.0,
        linear={
            "e": empty.plus(vectors, good_in_english),
            "j": empty.plus(vectors, 1 - good_in_english),
        },
    )
    assert allocation.shares_for(english, RULES) == {"e": 9_000, "j": 1_000}
    assert allocation.shares_for(japanese, RULES) == {"e": 1_000, "j": 9_000}


@given(contexts, st.integers(2, 4))
def test_a_fresh_contextual_bandit_serves_all_alike(asked: Context, arms: int) -> None:
    """To one part."""
    linear = {f"v{n}": LinearSums.empty(DIMENSION) for n in range(arms)}
    shares = Allocation(0, 0.0, linear=linear).shares_for(asked, Rules())
    assert sum(shares.values()) == PARTS
    assert max(shares.values()) - min(shares.values()) <= 1


def test_other_rules_are_not_answered_from_memory() -> None:
    """What an allocation remembers of a question is remembered with its rules."""
    learned = LinearSums.empty(DIMENSION).plus([[1, 0.5, 0, 0, 0]] * 9, [1.0] * 9)
    allocation = Allocation(0, 0.0, linear={"a": learned, "b": LinearSums.empty(DIMENSION)})
    asked = Context(0.5, "en", prime=False)
    assert allocation.shares_for(asked, Rules())["a"] == 9_000
    assert allocation.shares_for(asked, Rules(floor=0.2))["a"] == 8_000
    assert allocation.shares_for(asked, Rules(breadth=9.0))["a"] == 1_000
    assert allocation.shares_for(asked, Rules(ridge=0.01))["a"] == 1_000


def test_a_contextual_allocation_needs_a_context() -> None:
    """It has no answer for everyone."""
    allocation = Allocation(0, 0.0, linear={"a": LinearSums.empty(DIMENSION)})
    with pytest.raises(ValueError, match="context"):
        allocation.shares_for(None, RULES)


@pytest.mark.parametrize(
    "parts", [{}, {"shares": {"a": PARTS}, "linear": {"a": LinearSums.empty(1)}}]
)
def test_an_allocation_is_of_one_kind(parts: dict) -> None:
    """For everyone or by context."""
    with pytest.raises(ValueError, match="not both"):
        Allocation(0, 0.0, **parts)


def test_impossible_contexts_and_sums_are_refused() -> None:
    """By name."""
    with pytest.raises(ValueError, match="complexity"):
        Context(1.2, "en", prime=True)
    with pytest.raises(ValueError, match="language"):
        Context(0.2, "fr", prime=True)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="outer"):
        LinearSums(0, ((0.0,),), (0.0, 0.0))
    with pytest.raises(ValueError, match="contexts"):
        LinearSums.empty(2).plus([[1.0]], [1.0])
