"""What an arm is worth against the first."""

from __future__ import annotations

import random

from canary.bandits.effects import effects
from canary.bandits.settle import Outcome
from tests.canary.bandits.logs import decision


def outcomes(count: int) -> list[Outcome]:
    """Arm b is ten points better; a third arm was never drawn."""
    chance = random.Random(5)
    found = []
    for number in range(count):
        arm = chance.choice("ab")
        won = chance.random() < {"a": 0.6, "b": 0.7}[arm]
        found.append(Outcome(decision(number, arm), won, None))
    return found


def test_each_arm_is_compared_with_the_first() -> None:
    """By the rate, by the points and relative; the interval holds the truth here."""
    first, second = effects(outcomes(4_000), ["a", "b", "c"])
    assert (first.arm, first.points, first.lift) == ("a", None, None)
    assert first.decisions + second.decisions == 4_000
    assert second.points is not None
    assert second.lift is not None
    assert second.points.low < 0.1 < second.points.high
    assert second.lift.low < 0.7 / 0.6 - 1 < second.lift.high
    assert second.points.low > 0


def test_the_first_is_the_first_that_was_drawn_and_strangers_are_left_out() -> None:
    """An arm that the policy has no more says nothing of those it has."""
    found = effects(outcomes(400), ["c", "b"])
    assert [(each.arm, each.points) for each in found] == [("b", None)]
    assert effects([], ["a"]) == ()
