"""A bandit from draw to review, with a log that repeats itself and a release in between."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from canary.bandits.context import Context
from canary.bandits.draw import draw
from canary.bandits.inference import difference, evidence_of
from canary.bandits.log import Decision, Reward
from canary.bandits.plain import plain_state, state_of
from canary.bandits.review import Convergence, review
from canary.bandits.revise import day_of, revise
from canary.bandits.settle import Batch, outcomes_of, settle
from canary.bandits.state import BanditState, Kind, new_bandit
from tests.canary.bandits.logs import HOUR, RULES

MIDNIGHT = 1_699_920_000.0
DAY = 24 * HOUR
EVERY = 4 * HOUR
RATES = {"a": 0.80, "b": 0.65}
RELEASE = (MIDNIGHT + 5.4 * DAY, MIDNIGHT + 9.7 * DAY)


@dataclass
class Life:
    """What fifteen days leave behind."""

    state: BanditState
    decisions: list[Decision] = field(default_factory=list)
    rewards: list[Reward] = field(default_factory=list)


def in_release(now: float) -> bool:
    return RELEASE[0] <= now < RELEASE[1]


def live(kind: Kind) -> Life:
    """Thirty conversations an hour; the batch job runs every four hours, sometimes twice."""
    rng = random.Random(12)
    life = Life(new_bandit("faq", kind, list(RATES), at=MIDNIGHT, rules=RULES))
    for step in range(int(15 * DAY / EVERY)):
        start = MIDNIGHT + step * EVERY
        for number in range(120):
            now = start + number * EVERY / 120
            made = draw(
                life.state,
                conversation_id=f"c{step}-{number}",
                unit_id=f"u{rng.randrange(4_000)}",
                now=now,
                rules=RULES,
                context=Context(rng.random(), rng.choice(["en", "ja"]), prime=rng.random() < 0.5),
                release_arm=rng.choice(["control", "canary"]) if in_release(now) else None,
            )
            life.decisions += [made] * rng.choice([1, 1, 2])
            if rng.random() < RATES[made.arm]:
                at = now + rng.uniform(0, 5 * HOUR)
                life.rewards += [Reward(made.decision_id, True, at)] * rng.choice([1, 1, 3])
        now = start + EVERY
        for _ in range(rng.choice([1, 2])):
            run_batch(life, now)
    return life


def run_batch(life: Life, now: float) -> None:
    """Settle what can no longer be rewarded, from a stretch that overlaps the one before."""
    until = now - RULES.reward_window_s
    since = max(MIDNIGHT, life.state.settled_until - HOUR)
    inside = [each for each in life.decisions if since <= each.decided_at < until]
    batch = Batch(since, until, inside, life.rewards)
    settled = settle(life.state, batch, RULES, now=now)
    revised = revise(settled, RULES, now=now, release_active=in_release(now)).state
    assert revised.revision >= life.state.revision
    life.state = state_of(plain_state(revised))


@pytest.fixture(scope="module")
def thompson_life() -> Life:
    return live("thompson")


@pytest.fixture(scope="module")
def linucb_life() -> Life:
    return live("linucb")


@pytest.fixture(params=["thompson_life", "linucb_life"])
def life(request: pytest.FixtureRequest) -> Life:
    found: Life = request.getfixturevalue(request.param)
    return found


def test_every_settled_decision_of_control_was_learned_once(life: Life) -> None:
    """Though the log repeats, batches overlap and jobs run twice."""
    rewarded = {each.decision_id for each in life.rewards}
    for arm in life.state.arms:
        own = {
            each.decision_id
            for each in life.decisions
            if each.arm == arm.name
            and each.decided_at < life.state.settled_until
            and each.release_arm != "canary"
        }
        assert (arm.successes, arm.failures) == (len(own & rewarded), len(own - rewarded))
        assert arm.linear is None or arm.linear.n == len(own)


def test_no_arm_was_ever_served_below_a_tenth(life: Life) -> None:
    """And the better one got most."""
    assert min(min(each.shares.values()) for each in life.decisions) >= 1_000
    last = [each for each in life.decisions if each.decided_at > MIDNIGHT + 10 * DAY]
    assert sum(each.arm == "a" for each in last) > 0.8 * len(last)


def test_within_a_release_a_day_has_one_allocation_in_both_arms(life: Life) -> None:
    """Also on the day it starts, from then on."""
    numbers: dict[str, set[int]] = {}
    for each in life.decisions:
        if each.release_arm is not None:
            numbers.setdefault(day_of(each.decided_at), set()).add(each.allocation)
    assert len(numbers) == 5
    assert all(len(found) == 1 for found in numbers.values())


def test_its_own_log_says_how_much_better_the_arm_is(life: Life) -> None:
    """Fifteen points, within an interval that leaves no doubt about the sign."""
    batch = Batch(MIDNIGHT, life.state.settled_until, life.decisions, life.rewards)
    log = evidence_of(outcomes_of(batch, RULES), list(RATES))
    found = difference(log, 0, 1)
    assert 0 < found.low < 0.15 < found.high < 0.25


def test_after_fourteen_days_it_has_converged(life: Life) -> None:
    """On the better arm."""
    contexts = [each.context for each in life.decisions[-200:] if each.context]
    found = review(life.state, RULES, now=MIDNIGHT + 15 * DAY, contexts=contexts)
    assert (found.best, found.convergence) == ("a", Convergence.CONVERGED)
