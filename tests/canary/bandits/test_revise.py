"""Resets, removals and when the next allocation is served."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from canary.bandits.revise import day_of, next_midnight, revise, stratum
from canary.bandits.state import Arm, BanditState, new_bandit
from canary.bandits.tally import Moments, Week, Weighted
from tests.canary.bandits.logs import HOUR, RULES, START, linucb, thompson

DAY = 24 * HOUR
TOKYO = ZoneInfo("Asia/Tokyo")


NO_SCORES = Moments()


def week(rate: float, quality: Moments = NO_SCORES) -> Week:
    return (
        Week()
        .plus((Weighted(f"u{n}", n < rate * 1_000, 1.0) for n in range(1_000)), ())
        ._replace(quality=quality)
    )


def poor(n: int = 400, mean: float = 0.7) -> Moments:
    return Moments().plus(mean + 0.1 * (-1) ** index for index in range(n))


def bandit(weeks: dict[str, dict[int, Week]], settled_days: float = 15) -> BanditState:
    """Each arm with 70 successes of 100 and the weeks given."""
    state = thompson(*weeks)
    arms = tuple(Arm(name, 70, 30, weeks=each) for name, each in weeks.items())
    return replace(state, arms=arms, settled_until=START + settled_days * DAY)


def test_an_arm_that_shifted_starts_anew_and_only_it() -> None:
    """And the time to converge starts anew with it; the others' lead moves half as far."""
    steady = {0: week(0.7), 1: week(0.7)}
    state = bandit({"a": {0: week(0.7), 1: week(0.8)}, "b": steady, "c": steady})
    found = revise(state, RULES, now=START + 15 * DAY, release_active=False)
    assert [(each.what, each.arm) for each in found.findings] == [("reset", "a")]
    assert [(arm.successes, arm.failures) for arm in found.state.arms] == [
        (0, 0),
        (70, 30),
        (70, 30),
    ]
    assert found.state.learning_since == START + 15 * DAY


def test_a_week_is_judged_once() -> None:
    """What was learned since the reset stays."""
    steady = {0: week(0.7), 1: week(0.7)}
    state = bandit({"a": {0: week(0.7), 1: week(0.9)}, "b": steady, "c": steady})
    once = revise(state, RULES, now=START + 15 * DAY, release_active=False).state
    again = revise(once, RULES, now=START + 15 * DAY + 1, release_active=False)
    assert again.findings == ()
    assert again.state is once


def test_a_week_under_way_is_not_judged() -> None:
    """Settled until day 13, the second week is incomplete."""
    state = bandit({"a": {0: week(0.7), 1: week(0.9)}, "b": {0: week(0.7), 1: week(0.7)}}, 13)
    assert revise(state, RULES, now=START + 14 * DAY, release_active=False).findings == ()


def test_a_poor_arm_is_removed_and_the_others_share_what_it_had() -> None:
    """With a tenth at least for each that is left."""
    state = bandit({"a": {2: week(0.7, poor())}, "b": {2: week(0.7)}, "c": {2: week(0.7)}})
    found = revise(state, RULES, now=START + 15 * DAY, release_active=False)
    assert [(each.what, each.arm) for each in found.findings] == [("removed", "a")]
    assert found.findings[0].value < found.findings[0].limit == 0.8
    assert found.state.current.shares == {"b": 5_000, "c": 5_000}
    assert found.state.learning_since == START + 15 * DAY


def test_an_arm_that_was_good_and_has_fallen_is_removed() -> None:
    """Only this week's and the last's scores count."""
    good = Moments().plus([0.95] * 20_000)
    weeks = {0: week(0.7, good), 1: week(0.7), 2: week(0.7, poor())}
    found = revise(bandit({"a": weeks, "b": {}}), RULES, now=START + 15 * DAY, release_active=False)
    assert [each.what for each in found.findings] == ["removed"]


def test_last_weeks_scores_still_count_when_a_week_has_begun() -> None:
    """Else a poor arm would be safe each Monday."""
    weeks = {1: week(0.7, poor()), 2: week(0.7, poor(n=10))}
    found = revise(bandit({"a": weeks, "b": {}}), RULES, now=START + 15 * DAY, release_active=False)
    assert [each.what for each in found.findings] == ["removed"]


def test_the_best_of_arms_that_are_all_poor_stays() -> None:
    """Somebody must answer; the finding says that it is too poor, each time."""
    state = bandit({"a": {2: week(0.7, poor(mean=0.6))}, "b": {2: week(0.7, poor(mean=0.65))}})
    found = revise(state, RULES, now=START + 15 * DAY, release_active=False)
    assert [(each.what, each.arm) for each in found.findings] == [("removed", "a"), ("kept", "b")]
    assert found.state.current.shares == {"b": 10_000}
    again = revise(found.state, RULES, now=START + 15 * DAY + 1, release_active=False)
    assert [(each.what, each.arm) for each in again.findings] == [("kept", "b")]


def ahead() -> BanditState:
    """Arm a has learned to be better; nothing of it is served yet."""
    state = thompson()
    arms = (replace(state.arms[0], successes=90, failures=10), replace(state.arms[1], failures=100))
    return replace(state, arms=arms)


def test_without_a_release_the_next_allocation_is_served_at_once() -> None:
    """With the next number."""
    found = revise(ahead(), RULES, now=START + 5, release_active=False).state
    assert found.allocation_at(START + 5).shares == {"a": 9_000, "b": 1_000}
    assert (found.current.number, found.current.since, found.revision) == (1, START + 5, 1)


def test_during_a_release_it_is_served_from_midnight_on() -> None:
    """To the second, and not before."""
    found = revise(ahead(), RULES, now=START, release_active=True).state
    midnight = next_midnight(START)
    assert found.allocation_at(midnight - 1).shares == {"a": 5_000, "b": 5_000}
    assert found.allocation_at(midnight).shares == {"a": 9_000, "b": 1_000}


def test_during_a_release_no_day_has_two_allocations() -> None:
    """However often the bandit is revised, and whatever it learns meanwhile."""
    state, served = thompson(), {}
    for hour in range(96):
        now = START + hour * HOUR
        arms = (
            replace(state.arms[0], successes=hour),
            replace(state.arms[1], successes=40),
        )
        state = revise(replace(state, arms=arms), RULES, now=now, release_active=True).state
        for minute in (0, 30, 59):
            at = now + minute * 60
            served.setdefault(day_of(at), set()).add(state.allocation_at(at).number)
    assert all(len(numbers) == 1 for numbers in served.values())
    assert len(set().union(*served.values())) >= 4


def test_when_the_release_ends_what_waited_is_served_at_once() -> None:
    """Nothing is left waiting."""
    waiting = revise(ahead(), RULES, now=START, release_active=True).state
    found = revise(waiting, RULES, now=START + 60, release_active=False).state
    assert found.upcoming is None
    assert found.current.shares == {"a": 9_000, "b": 1_000}


def test_a_revision_that_changes_nothing_gives_the_same_state() -> None:
    """Nothing need be written."""
    state = thompson()
    assert revise(state, RULES, now=START + 9, release_active=True).state is state


def test_a_contextual_bandit_serves_what_it_knew_at_its_last_revision() -> None:
    """Learning alone moves nothing."""
    state = linucb()
    first = state.arms[0]
    assert first.linear is not None
    taught = replace(first, linear=first.linear.plus([[1, 0, 0, 0, 0]] * 9, [1.0] * 9))
    state = replace(state, arms=(taught, state.arms[1]))
    assert state.current.linear["a"].n == 0
    found = revise(state, RULES, now=START + 1, release_active=False).state
    assert found.current.linear["a"].n == 9


def test_midnight_is_the_regions() -> None:
    """Also over the change of summer time, when a day has 23 hours."""
    assert next_midnight(START, TOKYO) % DAY == 15 * HOUR
    new_york = ZoneInfo("America/New_York")
    before = 1_710_046_800.0  # 2024-03-10T00:00 in New York
    assert next_midnight(before, new_york) - before == 23 * HOUR


def test_the_day_is_part_of_the_stratum() -> None:
    """So that a change between days is no difference between arms."""
    assert stratum("faq", START) == "faq/2023-11-14"
    assert stratum("faq", START, TOKYO) == "faq/2023-11-15"


@pytest.mark.parametrize("arms", [("a",), ("a", "a"), tuple("abcde")])
def test_a_bandit_has_two_to_four_arms(arms: tuple[str, ...]) -> None:
    """Of different names."""
    with pytest.raises(ValueError, match="arms"):
        new_bandit("faq", "thompson", arms, at=START, rules=RULES)
