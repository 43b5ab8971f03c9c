"""What a drill leaves behind is put back, however far it came."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from canary.aws.executions import Executions
from canary.aws.functions import Function
from canary.aws.parameters import Parameters
from canary.aws.records import Releases, StaleRecordError
from canary.aws.rollbacks import Rollbacks
from canary.aws.task_sets import TaskSets
from canary.aws.traffic import Traffic
from canary.release.drill import DrillReport, Step
from canary.release.model import Phase, ReleaseState
from canary.routing.weights import ALL_ON_PRIMARY

__all__ = ["DrillCleanUp"]

LOG = logging.getLogger(__name__)
_ATTEMPTS = 4
_OURS = frozenset({"preparing", "rolled_back"})
"""What the status parameter says of a drill."""


@dataclass(frozen=True)
class DrillCleanUp:
    """Rules, flag, tasks, parameters, execution; and the lock last."""

    releases: Releases
    rollbacks: Rollbacks
    traffic: Traffic
    parameters: Parameters
    executions: Executions
    task_sets: TaskSets
    session_flag: Function

    def run(self, report: DrillReport) -> None:
        """Put each thing back even when another could not be; what could not is in the report.

        Another release may hold the lock by now: then the region is as that release wants it.
        """
        state = self.releases.load(report.drill_id)
        if state is None or state.drill is None:
            return
        before = state.drill
        lock = self.releases.lock()
        steps: dict[str, Callable[[], Any]] = {
            "execution": lambda: self._stop(state, report.step),
            "debt": lambda: self.rollbacks.pay("drill", report.drill_id),
        }
        if lock is None or lock.release_id == report.drill_id:
            steps |= {
                "weights": lambda: self.traffic.put(ALL_ON_PRIMARY),
                "session flag": lambda: self.session_flag.call({"active": False}),
                "task set": lambda: self.task_sets.scale("canary", 0),
                "parameters": lambda: self._put_back(report.drill_id, before),
            }
        for what, do in (steps | {"lock": lambda: self._give_back(report.drill_id)}).items():
            try:
                do()
            except Exception as error:
                LOG.exception("cleaning up failed: %s", what)
                report.fail(Step.CLEAN_UP, f"{what}: {type(error).__name__}: {error}")

    def _stop(self, state: ReleaseState, why: str) -> None:
        if state.execution_arn:
            self.executions.stop(state.execution_arn, "DrillOver", why)

    def _put_back(self, drill_id: str, before: dict[str, Any]) -> None:
        """What the rollback published of the drill goes; what anybody else wrote stays."""
        if self.parameters.get_json("assignment").get("release_id") == drill_id:
            self.parameters.put("assignment", before["assignment"])
        if self.parameters.get("status") in _OURS:
            self.parameters.put("status", before["status"])

    def _give_back(self, drill_id: str) -> None:
        """End the record, which deletes the lock; a rollback that works may write it too."""
        for _ in range(_ATTEMPTS):
            state = self.releases.load(drill_id)
            if state is None or state.terminal:
                return
            over = replace(state, phase=Phase.ROLLED_BACK, revoked=True)
            try:
                self.releases.save(state, over)
            except StaleRecordError:
                continue
            return
        raise StaleRecordError(drill_id)
