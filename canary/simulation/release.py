"""One release from its first exposure to its end, decided by the code that decides real ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canary.decision.engine import evaluate
from canary.decision.facts import Facts
from canary.decision.harm import harm_bound
from canary.decision.outcome import Decision, look_taken
from canary.decision.response import SURVEYS
from canary.policy.compiled import CompiledPolicy
from canary.release import events
from canary.release.actions import StartRollback
from canary.release.escalation import alarm_windows, escalation, pause_cause
from canary.release.machine import decide
from canary.release.model import Cause, DecisionKind, Phase, ReleaseState
from canary.simulation import alarms, screens
from canary.simulation.draws import Purpose, generator
from canary.simulation.history import History
from canary.simulation.setting import Ending, GateTally, Outcome, Setting
from canary.simulation.streams import HOUR, PER_HOUR, STEP, Stream, draw, stretch_hours
from canary.simulation.telemetry import Counts
from canary.simulation.telling import telling_gates

__all__ = ["simulate"]

_STEPS_BEFORE = 6
_SLACK = 1e-6


def simulate(setting: Setting, number: int, *, every_poll: bool = False) -> Ending:
    """Release `number` of a setting.

    Looks that cannot say anything are left out; `every_poll` takes them all, as the handlers do,
    to the same end.
    """
    return _Run(setting, number, every_poll=every_poll).to_the_end()


class _Run:
    def __init__(self, setting: Setting, number: int, *, every_poll: bool) -> None:
        self.policy, self.world = setting.effective, setting.world
        self.seed = (setting.seed, number)
        self.number = number
        self.every_poll = every_poll
        hour = int(generator(self.seed, Purpose.START).choice(sorted(setting.weeks)))
        _, self.zero = setting.weeks[hour]
        self.history = History(setting.rates[hour], self.zero, self.seed, setting.ledger)
        self.state = ReleaseState(
            release_id=f"simulated-{number}",
            test_id=f"simulated-{number}",
            candidate="candidate",
            control="control",
            region=self.policy.region,
            phase=Phase.ADMITTED,
            policy=setting.text,
            policy_digest="",
            admitted_at=self.zero,
        )
        self.now = 0.0
        self.next_poll = self.last_poll = 0.0
        self.fresh = True
        self.raised: dict[str, float] = {}
        self.looks = 0
        self.shifts: list[float] = []
        self.gates: dict[str, GateTally] = {}
        self.over: Outcome | None = None
        self.cause = ""
        self.detail = ""

    def to_the_end(self) -> Ending:
        """Live through stretch after stretch."""
        self._enter(1)
        while self.over is None:
            self._stretch()
        onset = self.world.onset or 0.0
        return Ending(
            number=self.number,
            outcome=self.over,
            cause=self.cause,
            at=self.now,
            stage=self.state.stage,
            exposed=self.history.conversations(min(onset, self.now), self.now),
            looks=self.looks,
            shifts=tuple(self.shifts),
            gates=self.gates,
            extensions=self.state.extensions,
            detail=self.detail,
        )

    # Time ------------------------------------------------------------------------------------

    def _stretch(self) -> None:
        """From now to the end of what is drawn, or to the next stage."""
        stage = self.state.stage
        before = self.history.last_steps(_STEPS_BEFORE)
        if self.history.streams:
            self.history.close(self.now)
        place = len(self.history.streams)
        rng = generator(self.seed, Purpose.STREAM, place)
        stream = draw(rng, self.history.rates, stage, self.now, self._hours())
        self.history.streams.append(stream)
        rung = alarms.raised(self.policy, stream, before, self.seed, place)
        states = {**rung.states, **self._harm_alarms(stream)}
        marks = stream.start + HOUR * np.arange(1, stream.hours + 1)
        rejects, holds = screens.harm_hours(self.history, marks)
        holds = holds | screens.mismatch_hours(self.history, marks)
        critical = math.inf if rung.critical_at is None else stream.start + rung.critical_at
        steps = _busy(states, bool(self.raised), stream)
        step = next(steps, None)
        last = -1
        while self.over is None and self.state.stage == stage:
            if self._watched():
                step = last + 1 if (last + 1) * STEP < stream.hours * HOUR else None
            rings = math.inf if step is None else stream.start + (step + 1) * STEP
            poll = self._poll(marks, rejects, holds)
            if min(critical, rings, poll) > stream.end + _SLACK:
                self.now = stream.end
                break
            if critical <= min(rings, poll):
                self._roll_back(critical, Cause.CRITICAL_ALARM, rung.critical)
            elif rings <= poll:
                assert step is not None
                last = step
                self._ring(rings, {name for name, flags in states.items() if flags[step]})
                step = next((each for each in steps if each > last), None)
            else:
                self._look(poll)
        if self.over is None and self._given_up():
            self._end("hold", self.state.hold.cause.value if self.state.hold else "time")

    def _hours(self) -> int:
        """What the stage needs when it is entered, then block by block; on hold the test's rest."""
        plan, stage = self.policy.statistics, self.policy.stages[self.state.stage]
        left = math.ceil((plan.test_seconds - self.now) / HOUR - _SLACK)
        if self.state.hold and left > 0:
            return left
        if self.now == self.shifts[-1]:
            return stretch_hours(self.policy, self.state.stage, self.now)
        return max(1, math.ceil(stage.min_seconds / HOUR))

    def _given_up(self) -> bool:
        """Nobody resumes a held release here: at the test's end it is still held."""
        horizon = self.policy.statistics.test_seconds
        return self.state.phase is Phase.HELD and self.now >= horizon - _SLACK

    def _poll(self, marks: Counts, rejects: NDArray[np.bool_], holds: NDArray[np.bool_]) -> float:
        """The next look that may say something, on the grid of the looks that are taken."""
        if self.every_poll or self.fresh:
            return max(self.next_poll, self.now)
        held = self.state.hold is not None
        flags = rejects if held else rejects | holds
        wanted = [float(mark) for mark in marks[flags & (marks > self.last_poll + _SLACK)][:1]]
        block = math.inf
        if not held:
            block = self._block_due()
            plan = self.policy.statistics
            done = self.state.looks_done
            if done < len(plan.looks_seconds) - 1:
                wanted.append(float(plan.looks_seconds[done]))
        poll = self.policy.statistics.bake_poll_seconds
        on_grid = [
            self.last_poll + poll * max(1, math.ceil((each - self.last_poll) / poll - _SLACK))
            for each in wanted
        ]
        return min([block, *on_grid])

    def _block_due(self) -> float:
        """When the present block can be judged, as the engine will say by its wait."""
        stage, state, plan = (
            self.policy.stages[self.state.stage],
            self.state,
            self.policy.statistics,
        )
        start = (state.block_started_at or self.zero) - self.zero
        block = max(1, stage.min_seconds)
        need = start + stage.min_seconds
        if state.extended_until is not None:
            need = max(need, state.extended_until - self.zero)
        if state.stage == len(self.policy.stages) - 2:
            need = max(need, float(plan.test_seconds))
        following = start + (state.blocks_judged + 1) * block
        if self.last_poll < need - _SLACK:
            return need
        passed = math.floor((self.last_poll - start) / block + _SLACK)
        return max(following, start + (passed + 1) * block)

    # What happens ----------------------------------------------------------------------------

    def _enter(self, stage: int) -> None:
        at = self.zero + self.now
        for event in (events.StageOrdered(at, stage), events.TrafficShifted(at, stage)):
            self.state, _ = decide(self.state, event)
        self.shifts.append(self.now)
        self.last_poll = self.now
        # The first look of the last test stage fixes how much information is planned.
        self.fresh = self.every_poll or stage == len(self.policy.stages) - 2
        self.next_poll = self.now

    def _look(self, at: float) -> None:
        self.now = at
        self.looks += 1
        judged = self.every_poll or at >= self._block_due() - _SLACK
        block = (self.state.block_started_at or self.zero) - self.zero
        since = {name: self.zero + when for name, when in self.raised.items()}
        policy, metrics = self._judging(block, at) if judged else (self.policy, frozenset[str]())
        facts = self.history.facts(at, block, since, metrics)
        decision = self._decided(policy, facts)
        self.last_poll = at
        self.fresh = False
        was_held = self.state.hold is not None
        # What the record keeps for people to read decides nothing.
        bare = replace(decision, verdicts=(), rules=())
        self.state, _ = decide(self.state, look_taken(bare))
        self._count(decision)
        self.next_poll = at + max(1, decision.wait_seconds)
        if decision.kind is DecisionKind.ADVANCE:
            self.history.close(at)
            self._enter(self.state.stage + 1)
        elif decision.kind is DecisionKind.PROMOTE:
            self._end("promote", "")
        elif decision.kind is DecisionKind.REJECT:
            self.detail = decision.reason
            self._end("reject", (decision.cause or Cause.HARM_SEQUENCE).value)
        elif decision.kind is DecisionKind.ROLLBACK:
            self._roll_back(at, decision.cause or Cause.CRITICAL_ALARM, decision.reason)
        elif decision.kind is DecisionKind.HOLD and not was_held:
            self.detail = decision.reason

    def _judging(self, block: float, now: float) -> tuple[CompiledPolicy, frozenset[str]]:
        """The policy with the gates that can decide this block, and the metrics they read."""
        policy = self.policy
        if not self.every_poll:
            policy = replace(
                policy, gates=telling_gates(self.history, self.state.stage, block, now)
            )
        read = {gate.metric for gate in policy.gates}
        read.add(policy.statistics.primary_metric)
        read |= {metric.name for metric in policy.metrics if metric.numerator == SURVEYS}
        return policy, frozenset(read)

    def _decided(self, policy: CompiledPolicy, facts: Facts) -> Decision:
        """The engine's decision; the ledger is only asked about a test decided in favour.

        What it says of the others decides nothing here, and a p-value is dear; the groups by day
        and by newness are read of such a test only.
        """
        stage = self.state.stage
        if not self.every_poll:
            decision = evaluate(policy, self.state, facts, asked_stage=stage)
            if not (self.state.benefit or decision.benefit):
                return decision
        ledger, groups = self.history.ledger, self.history.groups(self.now)
        grouped = replace(facts, ledger=ledger, groups=groups)
        return evaluate(policy, self.state, grouped, asked_stage=stage)

    def _ring(self, at: float, names: set[str]) -> None:
        """The alarms' states five minutes later: pauses, escalations, the end of an incident."""
        self.now = at
        started = names - set(self.raised)
        self.raised = {name: self.raised.get(name, at) for name in names}
        epoch = self.zero + at
        for name in sorted(started):
            cause = pause_cause(self.policy, name)
            if cause is not None:
                paused = events.AlarmPaused(epoch, (name,), cause)
                self.state, _ = decide(self.state, paused)
                self.detail = name
        since = {name: self.zero + when for name, when in self.raised.items()}
        due = escalation(self.policy, since, epoch)
        if due is not None:
            self._roll_back(at, due.cause, due.alarms[0])
        elif self._watched():
            well = not any(name.startswith("shared-") for name in names)
            self.state, actions = decide(self.state, events.ArmsWatched(epoch, ok=well))
            if any(isinstance(action, StartRollback) for action in actions):
                self._roll_back(at, Cause.SHARED, "both arms")
            elif self.state.hold is None:
                self.next_poll, self.fresh = at, True

    def _watched(self) -> bool:
        return self.state.hold is not None and self.state.hold.cause is Cause.SHARED

    def _roll_back(self, at: float, cause: Cause, detail: str) -> None:
        self.now, self.detail = at, detail
        requested = events.RollbackRequested(self.zero + at, cause, detail=detail)
        self.state, _ = decide(self.state, requested)
        self._end("rollback", cause.value)

    def _end(self, outcome: Outcome, cause: str) -> None:
        self.over, self.cause = outcome, cause

    def _count(self, decision: Decision) -> None:
        if decision.blocks_judged is None:
            return
        for verdict in decision.verdicts:
            if verdict.gate != "must_pass":
                continue
            name = f"{self.policy.stages[decision.stage].rate:.0%} {verdict.metric} {verdict.unit}"
            if verdict.scope != "overall":
                name += f" {verdict.scope.removeprefix('intent:')}"
            if not math.isfinite(verdict.estimate):
                continue
            tally = self.gates.setdefault(name, GateTally())
            tally.passed += verdict.kind == "PASS"
            tally.failed += verdict.kind == "FAIL"
            tally.first_passed += verdict.kind == "PASS" and tally.blocks == 0
            tally.blocks += 1

    def _harm_alarms(self, stream: Stream) -> dict[str, NDArray[np.bool_]]:
        """The alarms on published bounds of harm, which are read anew every hour."""
        marks = stream.start + HOUR * np.arange(1, stream.hours + 1)
        found = {}
        triggers = [each for each in self.policy.triggers if each.statistic == "harm"]
        hours = screens.harm_alarm_hours(self.history, triggers, marks)
        for trigger, near in zip(triggers, hours, strict=True):
            flags = np.zeros(stream.hours, dtype=np.bool_)
            metric = self.policy.metric(trigger.metric)
            reach = max(trigger.windows_seconds) + metric.outcome_window_seconds
            for hour in np.flatnonzero(near):
                now = float(marks[hour])
                cells = self.history.window(metric, max(0.0, now - reach), now)
                bound = harm_bound(self.policy, trigger, cells)
                flags[hour] = bound is not None and bound > trigger.threshold
            (name,) = alarm_windows(trigger)
            # What an hour's outcomes say is known at the hour's end, and rings from then on.
            late = np.concatenate([[False], flags[:-1]])
            found[name] = np.repeat(late, PER_HOUR)
            found[name][PER_HOUR - 1 :: PER_HOUR] |= flags
        return found


def _busy(
    states: Mapping[str, NDArray[np.bool_]], raised_before: bool, stream: Stream
) -> Iterator[int]:
    """The steps at which an alarm is raised, or has just been."""
    size = stream.hours * PER_HOUR
    ringing = np.zeros(size + 1, dtype=np.bool_)
    for flags in states.values():
        ringing[:size] |= flags[:size]
    after = np.concatenate([[raised_before], ringing[:-1]])
    return iter(np.flatnonzero((ringing | after)[:size]).tolist())
