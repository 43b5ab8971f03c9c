"""An execution's history never reaches the 25,000 events at which Step Functions fails it."""

from __future__ import annotations

import math

import pytest

from canary.policy.compiled import CompiledPolicy
from stacks.constructs.progression_machine import longest_release_seconds
from tests.stacks.assembly import Machine
from tests.stacks.history import LIMIT, History, Loop, in_time

DAY = 86_400
LONG_RELEASE_SECONDS = 30 * DAY


STEPS_THAT_A_HOLD_STOPS = (
    ("OfflineGate: start", "OfflineGate: wait"),
    ("OfflineGate: start", "OfflineGate: hold after a fault"),
    ("Prepare: drain canary", "Prepare: load candidate"),
    ("Prepare: drain canary", "Prepare: hold after a fault"),
    ("Promote: check", "Promote: begin"),
)
"""While the release is held, the first step answers `Held` or `NotReady` and goes no further."""


POLL = "OfflineGate: wait"
POLL_STATES = 3


def history(machine: Machine, *, retried: bool = True) -> History:
    """The machine's loops are the ways back to a wait that need no `canary resume` in between.

    A look that sends a release on is not taken again while it is held.
    """
    onward = {
        (name, choice["Next"])
        for name, state in machine["States"].items()
        if state["Type"] == "Choice" and name.endswith(": decision")
        for choice in state["Choices"]
    }
    return History(machine, retried, frozenset((*onward, *STEPS_THAT_A_HOLD_STOPS)))


def spacing(policy: CompiledPolicy, loop: Loop) -> int:
    """The seconds that one round takes at least: what its wait is told on that way."""
    if loop.states[0] == "Promote: soak":
        return policy.promotion.soak_seconds
    waits = ("Prepare: wait", "OfflineGate: wait for a person")
    held = any("hold" in state for state in loop.states) or loop.states[0] in waits
    return policy.fault_wait_seconds if held else policy.statistics.bake_poll_seconds


def worst_round(policy: CompiledPolicy, known: History, seconds: float) -> int:
    """The most events of any loop that is gone round for so long."""
    return max(
        in_time(loop, spacing(policy, loop), seconds)
        for wait in known.waits()
        if wait != POLL
        for loop in known.loops(wait)
    )


def polls(policy: CompiledPolicy, known: History) -> int:
    """The most events of the offline gate: its jobs are given up after a while."""
    rule = policy.evaluation
    (loop,) = (each for each in known.loops(POLL) if len(each.states) == POLL_STATES)
    return in_time(loop, rule.poll_seconds, rule.longest_seconds)


def short_looks(policy: CompiledPolicy, known: History) -> int:
    """A block's last wait is shorter than the others: one look more for each block of a stage."""
    blocks = sum(
        math.ceil(stage.max_seconds / stage.min_seconds)
        for stage in policy.stages
        if stage.min_seconds and stage.max_seconds
    )
    look = (f"Stage 50%: {name}" for name in ("wait", "decide", "decision"))
    return blocks * sum(known.cost(name) for name in look)


def test_a_month_of_looks_with_every_retry_and_a_promotion_fits(
    machine: Machine, policy: CompiledPolicy
) -> None:
    """30 days at the shortest spacing, each call retried to its end, every state once besides."""
    known = history(machine)
    events = worst_round(policy, known, LONG_RELEASE_SECONDS) + polls(policy, known)
    assert events + short_looks(policy, known) + known.everything_once() < LIMIT


def test_the_machine_gives_up_before_its_history_is_full(
    machine: Machine, policy: CompiledPolicy
) -> None:
    """Held for as long as its time-out lets it, with calls that answer, a release still fits."""
    assert machine["TimeoutSeconds"] == longest_release_seconds(policy)
    known = history(machine, retried=False)
    events = worst_round(policy, known, machine["TimeoutSeconds"]) + polls(policy, known)
    once = history(machine).everything_once()
    assert events + short_looks(policy, known) + once < LIMIT


def test_the_time_out_lets_every_stage_take_its_maximum(
    machine: Machine, policy: CompiledPolicy
) -> None:
    """It ends what nobody looks after, not a slow release."""
    stages = sum(stage.max_seconds for stage in policy.stages)
    waits = policy.promotion.approval_seconds + policy.promotion.soak_seconds
    assert machine["TimeoutSeconds"] >= stages + waits + 7 * DAY


def test_a_look_is_a_wait_a_call_and_a_choice(machine: Machine) -> None:
    """The loops that the bound rests on are the ones that exist: 9 events, or 15 with retries."""
    for stage in ("5%", "25%", "50%"):
        loops = {
            loop.states: loop.events for loop in history(machine).loops(f"Stage {stage}: wait")
        }
        look = tuple(f"Stage {stage}: {name}" for name in ("wait", "decide", "decision"))
        assert loops[look] == 2 + (2 + 3 * 3) + 2
        quiet = history(machine, retried=False).loops(look[0])
        assert {loop.events for loop in quiet if loop.states == look} == {2 + 5 + 2}
        faulty = [states for states in loops if any("hold after" in name for name in states)]
        assert [loops[states] for states in faulty] == [2 + 11 + 11 + 2]


def test_a_preparation_that_is_held_asks_once_a_wait(machine: Machine) -> None:
    """The drain is not tried again, with its 40 questions, until a person has resumed."""
    states = machine["States"]
    for step in ("drain canary", "load candidate"):
        catchers = states[f"Prepare: {step}"]["Catch"]
        assert (catchers[0]["ErrorEquals"], catchers[0]["Next"]) == (["Held"], "Prepare: wait")
    loops = {loop.states: loop.events for loop in history(machine).loops("Prepare: wait")}
    assert loops["Prepare: wait", "Prepare: drain canary"] == 2 + 5
    assert states["Prepare: wait"]["SecondsPath"] == "$.plan.fault_wait_seconds"


@pytest.mark.parametrize("minutes", [10, 5])
def test_the_bound_notices_a_policy_that_looks_too_often(
    machine: Machine, policy: CompiledPolicy, minutes: int
) -> None:
    """The test can fail: looks every ten minutes for a month are too many."""
    known = history(machine, retried=False)
    (look,) = {loop.events for loop in known.loops("Stage 50%: wait") if len(loop.states) == 3}
    assert look * math.ceil(LONG_RELEASE_SECONDS / (60 * minutes)) > LIMIT
