"""Runs a fire drill on a region: a fault on pinned conversations, then a look at every step.

The fault is a real one, and so is all that follows: refused model calls, the load balancer's
counts, the alarm, its action, the rollback function. Nothing is told to any alarm.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from dataclasses import dataclass, replace
from typing import Any

from canary.aws import clock
from canary.aws.alarms import Alarms
from canary.aws.drill_clean_up import DrillCleanUp
from canary.aws.drill_sight import DrillSight
from canary.aws.drills import Drills
from canary.aws.executions import Executions
from canary.aws.functions import Function
from canary.aws.parameters import Parameters
from canary.aws.records import LockHeldError, Releases
from canary.aws.rollbacks import RollbackRecord, Rollbacks
from canary.aws.traffic import Traffic
from canary.policy.compiled import CompiledPolicy
from canary.release import drill
from canary.release.drill import DrillReport, Step
from canary.release.model import Phase, ReleaseState
from canary.routing.weights import ALL_ON_PRIMARY

__all__ = ["FireDrill", "StepFailedError", "UnderWayError"]

LOG = logging.getLogger(__name__)
_POLL_SECONDS = 5.0
_FULL, _FEW = 10, 2
"""Requests in one go: enough for an alarm, which wants five failures in a minute; and to look."""
_HALF_RUN = "its function died before the end"


class StepFailedError(Exception):
    """A step of the drill did not work: nothing after it can be judged."""

    def __init__(self, step: Step, why: str) -> None:
        super().__init__(f"{step}: {why}")
        self.step = step
        self.why = why


class UnderWayError(RuntimeError):
    """An event came twice: the drill it asks for is being run. Called later, this is no error."""


@dataclass(frozen=True)
class FireDrill:
    """The adapters a drill has. `critical` is the name of the alarm that its fault must raise."""

    releases: Releases
    rollbacks: Rollbacks
    drills: Drills
    traffic: Traffic
    alarms: Alarms
    parameters: Parameters
    executions: Executions
    sight: DrillSight
    clean_up: DrillCleanUp
    scale_cycle: Function
    attest: Function
    session_flag: Function
    probe: Function
    machine_arn: str
    critical: str

    def run(self, drill_id: str, policy: CompiledPolicy) -> DrillReport:
        """Drill, put everything back whatever happened, and say what came of it.

        A lock that is held and an alarm that is raised already are reasons to skip it. A call that
        died is not repeated: what it left is put back, and the drill has failed. Raises
        `UnderWayError` while that call may still live.
        """
        report = DrillReport(drill_id, clock.now())
        known = self.releases.load(drill_id)
        if known is not None:
            if clock.now() - known.admitted_at < drill.FUNCTION_SECONDS:
                raise UnderWayError(f"{drill_id} is being run by another call")
            self._abandon(report, known)
        elif reason := self._busy():
            report.outcome, report.detail, report.ended_at = "skipped", reason, clock.now()
        else:
            self._run(report, policy)
        self.drills.write(report)
        return report

    def _busy(self) -> str:
        lock = self.releases.lock()
        if lock is not None:
            return f"{lock.release_id} is active"
        return "the critical alarm is raised already" if self.alarms.critical() else ""

    def _run(self, report: DrillReport, policy: CompiledPolicy) -> None:
        text, status = self.parameters.get("assignment"), self.parameters.get("status")
        before = {
            "assignment": text,
            "status": status,
            "promoted": bool(json.loads(text).get("promoted")),
        }
        control = self.parameters.get("control/model-id")
        first = drill.drill_record(
            report.drill_id, policy, control=control, at=report.started_at, before=before
        )
        self._at(report, Step.START)
        try:
            state = self.releases.create(first)
        except LockHeldError as error:
            report.outcome, report.detail, report.ended_at = "skipped", str(error), clock.now()
            return
        try:
            self._steps(report, state)
        except StepFailedError as error:
            report.fail(error.step, error.why)
        except Exception as error:
            LOG.exception("step %s failed", report.step)
            report.fail(Step(report.step), f"{type(error).__name__}: {error}")
        finally:
            self.clean_up.run(report)
            report.close(clock.now())

    def _steps(self, report: DrillReport, state: ReleaseState) -> None:
        self._at(report, Step.EXECUTION)
        given = {"release_id": report.drill_id, "drill": True}
        arn = self.executions.start(self.machine_arn, report.drill_id, given)
        self.releases.save(state, replace(state, execution_arn=arn))
        self._at(report, Step.SESSION_FLAG)
        self.session_flag.call({"active": True})
        self._prepare(report)
        self._expose(report)
        self._raise_alarm(report)
        record = self._await_weights(report)
        self._await_silence(report)
        if record is not None:
            self._await_effects(report)

    def _prepare(self, report: DrillReport) -> None:
        """As the progression does: no task, another model, tasks, and their word for it."""
        self._at(report, Step.PREPARE)
        until = clock.now() + drill.PREPARE_SECONDS
        cycle = {"release_id": report.drill_id, "task_set": "canary", "model": "candidate"}
        for step, percent in (("drain", 0), ("load", 0), ("scale", 1)):
            event = {**cycle, "step": step, "percent": percent}
            self._until_done(Step.PREPARE, until, self.scale_cycle, event)
        self._until_done(Step.PREPARE, until, self.attest, cycle)

    def _expose(self, report: DrillReport) -> None:
        """Open the canary's own rule: only who asks for the canary by its header meets it."""
        self._at(report, Step.PINNED)
        state = self._current(report)
        self.releases.save(state, replace(state, phase=Phase.BAKING))
        self.traffic.put(drill.PINNED_FORM)
        until = clock.now() + drill.SAFE_SECONDS
        while True:
            talk = self._talk(report, _FEW, broken=False)
            if talk["canary"] == _FEW and not talk["failed"]:
                return
            if clock.now() > until:
                said = talk["last_error"] or f"{talk['control']} of {_FEW} met control"
                raise StepFailedError(Step.PINNED, f"the canary does not answer: {said}")
            clock.sleep(_POLL_SECONDS)

    def _raise_alarm(self, report: DrillReport) -> None:
        self._at(report, Step.ALARM)
        report.fault_at = clock.now()
        while True:
            self._talk(report, _FULL, broken=True)
            raised = self.alarms.raised()
            if self.critical in raised:
                report.alarm_at, report.alarms = raised[self.critical], sorted(raised)
                return
            if clock.now() - report.fault_at > drill.ALARM_SECONDS:
                waited = f"{drill.ALARM_SECONDS:.0f} s of refused calls"
                raise StepFailedError(
                    Step.ALARM, f"the critical alarm is not raised after {waited}"
                )

    def _await_weights(self, report: DrillReport) -> RollbackRecord | None:
        """Wait for the rollback's record, and for rules that are safe; say which did not come."""
        self._at(report, Step.WEIGHTS)
        assert report.alarm_at is not None
        late = f"within {drill.SAFE_SECONDS:.0f} s of the alarm"
        while True:
            self._talk(report, _FEW, broken=True)
            record, live = self.rollbacks.find(report.drill_id), self.traffic.read()
            safe = live == ALL_ON_PRIMARY
            if safe and record is not None:
                break
            if clock.now() - report.alarm_at > drill.SAFE_SECONDS:
                break
        if record is None:
            report.fail(Step.ROLLBACK, f"no rollback was opened {late}")
        elif record.fields["source"] != "alarm":
            report.fail(Step.ROLLBACK, f"it was called by {record.fields['source']}, not the alarm")
        if not safe:
            report.fail(Step.WEIGHTS, f"the rules are not safe {late}: {live.to_dict()}")
            return record
        report.safe_at = _shifted_at(record) if record else clock.now()
        if report.safe_at - report.alarm_at > drill.SAFE_SECONDS:
            report.fail(Step.WEIGHTS, f"the rules were not safe {late}")
        return record

    def _await_silence(self, report: DrillReport) -> None:
        """Go on talking until every node of the load balancer must have heard of the weights."""
        if report.safe_at is None:
            return
        self._at(report, Step.LAST_REQUEST)
        while clock.now() < report.safe_at + drill.SPREAD_SECONDS + _POLL_SECONDS:
            self._talk(report, _FULL, broken=True)
        last = report.last_canary_at or 0.0
        if last > report.safe_at + drill.SPREAD_SECONDS:
            late = last - report.safe_at
            report.fail(Step.LAST_REQUEST, f"the canary was met {late:.0f} s after it was safe")

    def _await_effects(self, report: DrillReport) -> None:
        self._at(report, Step.REVOKED)
        until = clock.now() + drill.ENDING_SECONDS
        while True:
            missing = drill.failures(report.drill_id, self.sight.look(report.drill_id))
            if not missing:
                return
            if clock.now() > until:
                for step, why in missing.items():
                    report.fail(step, why)
                return
            clock.sleep(_POLL_SECONDS)

    def _abandon(self, report: DrillReport, known: ReleaseState) -> None:
        """A call of this drill has died: put back what it left, and fail."""
        report.started_at = known.admitted_at
        found = self.drills.find(report.drill_id) or {}
        report.fail(Step(found.get("step") or Step.START), _HALF_RUN)
        self.clean_up.run(report)
        report.close(clock.now())

    def _current(self, report: DrillReport) -> ReleaseState:
        state = self.releases.load(report.drill_id)
        if state is None or state.revoked or state.terminal:
            raise StepFailedError(Step(report.step), "the drill was rolled back before its fault")
        return state

    def _talk(self, report: DrillReport, requests: int, *, broken: bool) -> dict[str, Any]:
        event = {"conversation_id": report.drill_id, "requests": requests, "broken": broken}
        talk = self.probe.call(event)
        report.canary_requests += int(talk["canary"])
        report.last_canary_at = talk["last_canary_at"] or report.last_canary_at
        return talk

    def _until_done(
        self, step: Step, until: float, function: Function, event: dict[str, Any]
    ) -> None:
        """Call a function of the progression until it does not ask to be called again."""
        while True:
            try:
                function.call(event)
            except RuntimeError as error:
                if clock.now() > until:
                    raise StepFailedError(step, str(error)) from error
            else:
                return
            clock.sleep(_POLL_SECONDS)

    def _at(self, report: DrillReport, step: Step) -> None:
        report.step = step.value
        self.drills.write(report)


def _shifted_at(record: RollbackRecord) -> float:
    return dt.datetime.fromisoformat(str(record.fields["shifted_at"])).timestamp()
