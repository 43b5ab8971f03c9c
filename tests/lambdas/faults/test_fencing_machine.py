"""Who may move traffic, whatever happens in whichever order: the real handlers, step by step."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from canary.aws.items import from_item
from canary.release.model import ReleaseState
from canary.release.traffic import allowed_forms
from canary.routing.weights import ALL_ON_CANARY, ALL_ON_PRIMARY, safe_form
from tests.lambdas.faults import ends, scenes
from tests.lambdas.faults.aws import World
from tests.lambdas.faults.harness import Fault, Harness, Kind, region

EXAMPLES, STEPS = 320, 50
WANTED = 10_000
"""Steps in all, counted."""
POSSIBLE = frozenset({0, 5, 25, 50, 100})
"""Weights that the policy has, of any rule."""
MARK_SECONDS = 120.0
COUNT = {"steps": 0}
FAULTS = st.none() | st.builds(
    Fault, st.integers(0, 14), st.sampled_from([kind for kind in Kind if kind is not Kind.DENIED])
)
TEMPLATE = next(each for each in scenes.SCENES if each.function == "admit").world()


class Fencing(RuleBasedStateMachine):
    """One region. `asked` counts the questions to a person; `marks` are when one was revoked.

    `may_be_approved` says that a person has approved a question while it stood.
    """

    def __init__(self) -> None:
        super().__init__()
        self.world: World = TEMPLATE.copy()
        self.context = region(self.world)
        self.harness: Harness = self.context.__enter__()
        self.asked = 0
        self.may_be_approved = False
        self.marks: dict[str, float] = {}

    def teardown(self) -> None:
        self.context.__exit__(None, None, None)

    @initialize()
    def admitted(self) -> None:
        """Most of what can go wrong needs a release."""
        self.call("admit", scenes.START_IT, None)

    def call(self, function: str, event: dict[str, Any], fault: Fault | None) -> None:
        """Call a function as its caller does, broken or not, and what it called after that."""
        COUNT["steps"] += 1
        if fault is None:
            self.harness.run(function, event)
        else:
            self.harness.broken(fault, function, event)
        self.harness._barred = None
        self.harness.fault = None
        self.harness.deliver()
        self.harness.dead_letters.clear()
        for state in self.records():
            if state.revoked:
                self.marks.setdefault(state.release_id, self.harness.time)

    def records(self) -> list[ReleaseState]:
        table = self.world.tables["canary-releases"]
        return [
            ReleaseState.from_dict(from_item(item))
            for (_, sk), item in table.items()
            if sk == "RECORD"
        ]

    def active(self) -> ReleaseState | None:
        found = [each for each in self.records() if not each.terminal]
        assert len(found) <= 1, "two active releases"
        return found[0] if found else None

    @rule(stage=st.integers(1, 3), fault=FAULTS)
    def progress(self, stage: int, fault: Fault | None) -> None:
        """The progression moves to a stage, in order or not."""
        self.call("set_traffic", {"release_id": "r-1", "stage": stage}, fault)

    @precondition(lambda self: (now := self.active()) and now.stage == 3)
    @rule(fault=FAULTS)
    def ask_for_approval(self, fault: Fault | None) -> None:
        """A person is asked, with a token that is new each time."""
        self.asked += 1
        event = {"release_id": "r-1", "task_token": f"token-{self.asked}"}
        self.call("await_approval", event, fault)

    @precondition(lambda self: self.asked)
    @rule(latest=st.booleans(), fault=FAULTS)
    def approve(self, latest: bool, fault: Fault | None) -> None:
        """A person approves the last question, or one that was asked before it."""
        executions = len(self.world.pipelines)
        asked = executions if latest else max(1, executions - 1)
        now = self.active()
        stands = now is not None and now.asked_in == f"execution-{asked}"
        self.call("confirm_approval", scenes.answer(f"execution-{asked}"), fault)
        self.may_be_approved |= stands

    @rule(
        step=st.sampled_from(["shift_to_canary", "check", "begin", "shift_to_primary", "finish"]),
        fault=FAULTS,
    )
    def promote(self, step: str, fault: Fault | None) -> None:
        """A step of a promotion, whether or not it is its turn."""
        self.call("promote", {"release_id": "r-1", "step": step}, fault)

    @rule(raised=st.booleans(), fault=FAULTS)
    def critical_alarm(self, raised: bool, fault: Fault | None) -> None:
        """The alarm changes; raised, it calls the rollback."""
        self.world.alarms["canary-critical"] = ("ALARM" if raised else "OK", self.harness.time)
        if raised:
            self.call("rollback", scenes.ALARM, fault)

    @rule(fault=FAULTS)
    def operator_rolls_back(self, fault: Fault | None) -> None:
        self.call("rollback", scenes.OPERATOR, fault)

    @rule(
        event=st.sampled_from([each.event for each in scenes.SCENES if each.function == "pause"]),
        fault=FAULTS,
    )
    def pause_or_resume(self, event: dict[str, Any], fault: Fault | None) -> None:
        """A warning, a person, a fault, a refusal: or a person lifts the hold."""
        self.call("pause", event, fault)

    @rule(digest=st.sampled_from(["a", "b", "c"]))
    def deploy(self, digest: str) -> None:
        """A deploy asks the guard; one that changes something must not pass beside a release."""
        table = self.world.tables["canary-releases"]
        known = table.get(("GUARD#gateway", "GUARD"), {}).get("digest", {}).get("S")
        active = self.active() is not None
        event = {
            "RequestType": "Update",
            "ResourceProperties": {"Stack": "gateway", "Digest": digest},
        }
        self.harness.run("deploy_guard", event, tries=1)
        after = table.get(("GUARD#gateway", "GUARD"), {}).get("digest", {}).get("S")
        assert not active or after == known, "a deploy passed beside a release"
        self.harness.dead_letters.clear()
        COUNT["steps"] += 1

    @rule(fault=FAULTS)
    def admit_again(self, fault: Fault | None) -> None:
        """The same request once more: a restart in cooldown will be refused here."""
        self.call("admit", scenes.START_IT, fault)

    @rule(minutes=st.integers(1, 90))
    def time_passes(self, minutes: int) -> None:
        """The reconciler looks at least at the first minute and at the last."""
        self.harness.tick()
        self.harness.time += 60.0 * minutes
        self.harness.tick()
        COUNT["steps"] += 1
        self.at_rest()

    def at_rest(self) -> None:
        """Record and live weights agree, the mark is kept, and what was begun is ended."""
        now, live = self.active(), ends.form(self.world)
        allowed = allowed_forms(now) if now else (ALL_ON_PRIMARY,)
        assert live in allowed, f"{live} beside {now and now.phase}"
        for state in self.records():
            since = self.harness.time - self.marks.get(state.release_id, self.harness.time)
            if state.revoked and since >= MARK_SECONDS:
                assert live == safe_form(state.safe_arm), "canary traffic after the mark"

    @invariant()
    def never(self) -> None:
        """What holds at every moment."""
        now = self.active()
        assert not self.harness.stranded, "all traffic on an arm without healthy targets"
        assert set(self.world.weights.values()) <= POSSIBLE
        everything = ends.form(self.world) == ALL_ON_CANARY
        beyond = now is not None and (now.control_header_on_canary or now.phase == "PROMOTING")
        if everything or beyond:
            assert self.may_be_approved, "a promotion without approval"
        assert self.may_be_approved or not any(each.approved_at for each in self.records())


def test_no_order_of_events_gets_past_the_fences() -> None:
    """At least ten thousand steps of progression, alarms, people, deploys, crashes and time."""
    COUNT["steps"] = 0
    run_state_machine_as_test(
        Fencing,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, derandomize=True
        ),
    )
    assert COUNT["steps"] >= WANTED
