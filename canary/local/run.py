"""One scenario from the first deployment to the last event: starts, watches, approves, judges."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from canary.local.behaviour import Moment, active_faults
from canary.local.child import Child
from canary.local.faults import Faults
from canary.local.live_page import LivePage, as_json
from canary.local.outcome import reason_of, stage_shares
from canary.local.region import RELEASES_TABLE, EmbeddedRegion
from canary.local.registering import TEST_ID, register_test, settlement_line
from canary.local.result import RunResult
from canary.local.scenario import Fault, Scenario
from canary.local.scenario import Phase as ModelPhase
from canary.local.speed import QUICKEST
from canary.local.status import AlarmLine, DecisionLine, Point, RunStatus
from canary.local.view import View
from canary.local.wave_before import promote_in_wave_before
from canary.policy.compiled import CompiledPolicy
from canary.release.model import Phase, ReleaseState
from canary.routing.rates import asked_share

__all__ = ["ScenarioRun"]

RELEASE_ID = "r-001"
_TICK_SECONDS = 15.0
_WARM_UP_SECONDS = 120.0
_AFTERWARDS_SECONDS = 240.0
"""Virtual, all three."""
_LAST_TOTALS_SECONDS = 120.0
_MINUTE = 60.0


class ScenarioRun:
    """Runs one scenario; use as a context manager, so that everything stops however it ends."""

    def __init__(
        self,
        *,
        scenario: Scenario,
        scenario_file: Path,
        policy: CompiledPolicy,
        checkout: Path,
        port: int,
        stream: TextIO,
    ) -> None:
        self._scenario = scenario
        self._policy = policy
        self._candidate = policy.models[1].id
        self._checkout = checkout
        self._scenario_file = scenario_file
        self._view = View(stream)
        self._status = RunStatus(
            scenario=scenario.name,
            description=scenario.description,
            clock_factor=QUICKEST,
            expected=scenario.expect.outcome,
            policy_changes=list(policy.changes),
            stages=[round(100 * stage.rate, 1) for stage in policy.stages],
        )
        self._page = LivePage(
            port,
            {
                "run.json": lambda: as_json(self._status.to_dict()),
                "dashboard.json": self._dashboard,
            },
        )
        self._region: EmbeddedRegion | None = None
        self._customers: Child | None = None
        self._totals: dict[str, Any] = {}
        self._moment = Moment()
        self._began = 0.0
        self._rang: list[tuple[str, float]] = []
        self._lock = threading.Lock()
        self._faults: Faults | None = None
        self._last_point = -1.0

    def __enter__(self) -> Self:
        """Take the terminal."""
        self._view.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything, whatever happened."""
        self._view.__exit__(kind, error, trace)
        if self._region is not None:
            self._region.stop()
        self._page.close()

    def run(self, assembly: Callable[[], Path]) -> RunResult:
        """Deploy, release, watch to the end; the answer judges it."""
        started = time.monotonic()
        say = self._view.say
        say(f"canary local: {self._scenario.name} - {self._scenario.description}")
        say(f"  live page  {self._page.url}")
        say("  synthesizing the templates")
        folder = assembly()
        region = EmbeddedRegion(
            folder,
            self._policy,
            self._scenario_file,
            candidate=self._candidate,
            checkout=self._checkout,
            on_transition=self._on_transition,
        )
        self._region = region
        self._status.clock_factor = region.clock.factor
        if region.clock.factor < QUICKEST:
            say(f"  this machine is slow or busy: the clock runs x{region.clock.factor:g}")
        region.start()
        say("  deploying " + self._policy.region)
        region.deploy(lambda stack: say(f"    {stack}"))
        region.serve(lambda what: say(f"    starting {what}"))
        say(f"  commands   {region.parts.emulator.settings_line()} canary explain")
        self._faults = Faults(region)
        self._start_customers()
        region.clock.sleep(_WARM_UP_SECONDS)
        self._status.happened(register_test(region, self._candidate, self._scenario))
        self._begin_release()
        outcome = self._watch()
        result = self._judge(outcome, time.monotonic() - started)
        self._status.outcome = result.outcome
        self._status.finished = True
        self._view.update(self._status)
        if not result.expected:
            for line in region.diagnose(RELEASE_ID):
                say(f"  {line}")
        say(f"{self._scenario.name}: {result.sentence()}")
        return result

    @property
    def _embedded(self) -> EmbeddedRegion:
        assert self._region is not None
        return self._region

    def _start_customers(self) -> None:
        region = self._embedded
        self._customers = region.child(
            "canary.local.customers",
            "--scenario",
            str(self._scenario_file),
            "--policy",
            str(region.parts.processes.directory / "policy.json"),
            "--candidate",
            self._candidate,
            "--api",
            region.api_url(),
            on_line=self._on_totals,
        )

    def _on_totals(self, line: dict[str, Any]) -> None:
        with self._lock:
            self._totals = line

    def _begin_release(self) -> None:
        region = self._embedded
        self._began = region.clock.now()
        release = {
            "release_id": RELEASE_ID,
            "test_id": TEST_ID,
            "candidate": self._candidate,
            "hypothesis": self._policy.statistics.hypothesis,
            "offline_evaluation": {},
        }
        for name in promote_in_wave_before(
            region.parts.emulator, self._policy, release, table=RELEASES_TABLE, now=self._began
        ):
            # Not run here, and not hidden either: Admit reads this record across regions.
            self._status.happened(f"{name} is not run: its {RELEASE_ID} was written as promoted")
        region.client("stepfunctions").start_execution(
            stateMachineArn=region.machine_arn(), name=RELEASE_ID, input=json.dumps(release)
        )
        self._status.happened(f"release {RELEASE_ID} of {self._candidate} started")

    def _watch(self) -> str:
        """Follow the release until it is over or the horizon is reached; answers its phase."""
        region = self._embedded
        horizon = self._scenario.horizon_minutes
        over_at: float | None = None
        approved = settled = False
        while True:
            region.clock.sleep(_TICK_SECONDS)
            state = self._record()
            minute = (region.clock.now() - self._began) / _MINUTE
            self._status.virtual_minutes = round(minute, 1)
            self._status.clock_factor = round(region.clock.factor)
            self._advance(state, minute)
            if state is not None:
                self._show_release(state)
                if state.phase is Phase.AWAITING_APPROVAL and not approved:
                    approved = self._approve()
                if state.terminal and over_at is None:
                    over_at = region.clock.now()
                if state.terminal and not settled and (line := settlement_line(region)):
                    self._status.happened(line)
                    settled = True
            self._show_region(minute)
            self._view.update(self._status)
            if over_at is not None and region.clock.now() - over_at > _AFTERWARDS_SECONDS:
                break
            if minute >= horizon and over_at is None:
                break
        final = self._record()
        return str(final.phase) if final else "NOT_ADMITTED"

    def _record(self) -> ReleaseState | None:
        return self._embedded.release(RELEASE_ID)

    def _advance(self, state: ReleaseState | None, minute: float) -> None:
        """Move the world on: what the models and the faults do depends on stage and minute."""
        stage = self._policy.stages[state.stage] if state else self._policy.stages[0]
        self._status.stage_percent = round(100 * stage.rate, 1)
        self._status.asked_share = asked_share(self._policy, stage.index) if state else 0.0
        self._moment = self._moment.advance(minute, round(100 * stage.rate))
        faults = active_faults(self._scenario, self._moment)
        line = {
            "stage_percent": round(100 * stage.rate),
            "minute": minute,
            "faults": [fault.kind for fault in faults],
        }
        self._embedded.model.tell(line)
        if self._customers:
            self._customers.tell(line)
        assert self._faults is not None
        for text in self._faults.apply(faults):
            self._status.happened(text)

    def _show_release(self, state: ReleaseState) -> None:
        if self._status.phase != state.phase:
            self._status.phase = str(state.phase)
            why = f" ({state.hold.cause}: {', '.join(state.hold.alarms)})" if state.hold else ""
            cause = f" because of {state.cause}" if state.cause else ""
            self._status.happened(f"{state.phase} at {self._status.stage_percent:g}%{why}{cause}")
        for decision in state.decisions:
            minute = round((float(decision["at"]) - self._began) / _MINUTE, 1)
            line = DecisionLine(minute, str(decision["decision"]), str(decision["reason"]))
            if line not in self._status.decisions:
                known = self._status.decisions[-1:]
                self._status.decisions.append(line)
                waiting = line.kind == "EXTEND" and "block is not over" in line.reason
                repeated = known and (known[0].kind, known[0].reason) == (line.kind, line.reason)
                if not waiting and not repeated:
                    self._status.happened(f"decision {line.kind}: {line.reason}")

    def _approve(self) -> bool:
        """What the scenario's reviewer does: `canary approve` on this region."""
        code, said = self._embedded.command("approve", RELEASE_ID, "--by", "scenario")
        self._status.happened(f"canary approve: {said}")
        return code == 0

    def _show_region(self, minute: float) -> None:
        region, status = self._embedded, self._status
        tally = region.router.tally
        now = region.clock.now()
        for name, arm in status.arms.items():
            total, window = tally.total(name), tally.window(name, _MINUTE, now)
            arm.requests, arm.errors = total.requests, total.errors
            arm.error_rate, arm.slow_rate = window.error_rate, window.slow_rate
        drawn = tally.draws().get(self._stage_index(), {})
        count = sum(drawn.values())
        status.observed_share = drawn.get("canary", 0) / count if count else None
        with self._lock:
            totals = dict(self._totals)
        status.customers = {
            "conversations": totals.get("conversations", 0),
            "turns": totals.get("answered_turns", 0),
            "errors": totals.get("customer_errors", 0),
        }
        status.alarms = [
            AlarmLine(name, value, round((since - self._began) / _MINUTE, 1), reason)
            for name, value, since, reason in region.alarm_lines()
        ]
        if minute - self._last_point >= 1.0:
            self._last_point = minute
            control, canary = status.arms["control"], status.arms["canary"]
            status.series.append(
                Point(
                    round(minute, 2),
                    control.error_rate,
                    canary.error_rate,
                    control.slow_rate,
                    canary.slow_rate,
                    status.asked_share,
                    status.observed_share,
                )
            )

    def _stage_index(self) -> int:
        percent = self._status.stage_percent
        return next(
            stage.index for stage in self._policy.stages if round(100 * stage.rate, 1) == percent
        )

    def _on_transition(self, name: str, old: str, new: str, _reason: str, at: float) -> None:
        if new == "ALARM" or old == "ALARM":
            self._status.happened(f"alarm {name}: {new}")
        if new == "ALARM":
            self._rang.append((name, at))

    def _dashboard(self) -> bytes | None:
        return self._region.dashboard() if self._region is not None else None

    def _judge(self, outcome: str, real_seconds: float) -> RunResult:
        region = self._embedded
        totals = self._stop_customers()
        stored = region.delivered(totals["answered_turns"], totals["outcomes_sent"])
        state = self._record()
        report = self._write_report() if state is not None else None
        tally = region.router.tally
        fault_at, alarm_at = self._fault_at(), self._alarm_at()
        last = region.balancer.last_request_at(region.target_group("canary"))
        expect, ended_by = self._scenario.expect, region.ended_by(RELEASE_ID)
        waited = _between(alarm_at, last)
        after_alarm = None if waited is None else max(0.0, waited)
        lost = max(0, totals["answered_turns"] - stored.answered_turns) + max(
            0, totals["outcomes_sent"] - stored.outcomes
        )
        return RunResult(
            scenario=self._scenario.name,
            outcome=outcome,
            expected=outcome == expect.outcome and expect.by in (None, ended_by),
            expected_outcome=expect.outcome,
            ended_by=ended_by,
            expected_by=expect.by,
            reason=reason_of(state, [name for name, _ in self._rang]),
            routing=self._policy.routing,
            timeline=stage_shares(self._policy, tally.draws()),
            seconds_fault_to_alarm=_between(fault_at, alarm_at),
            seconds_alarm_to_last_canary_request=(
                after_alarm if outcome in {"ROLLED_BACK", "REJECTED"} else None
            ),
            requests=tally.requests(),
            customer_errors=totals["customer_errors"],
            reassigned=totals["moved"],
            sticky_violations=len(tally.sticky_violations()),
            lost_events=lost,
            duplicate_events=stored.repeated_ids,
            virtual_minutes=self._status.virtual_minutes,
            real_seconds=round(real_seconds, 1),
            alarms=tuple(name for name, _ in self._rang),
            decisions=tuple(
                {"minute": each.minute, "kind": each.kind, "reason": each.reason}
                for each in self._status.decisions
            ),
            policy_changes=self._policy.changes,
            report=report,
            log_errors=region.failures(),
        )

    def _write_report(self) -> str | None:
        """What `canary report` makes of this region's looks and events, kept after the region."""
        place = self._checkout / ".canary" / self._scenario.name / "report.html"
        code, said = self._embedded.command("report", RELEASE_ID, "--output", str(place))
        if code != 0:
            self._view.say(f"  no report: {said}")
            return None
        self._view.say(f"  report  {place}")
        return str(place)

    def _stop_customers(self) -> dict[str, Any]:
        assert self._customers is not None
        self._customers.tell({"stop": True})
        totals: dict[str, Any] = self._customers.wait_for(
            lambda each: "final" in each, _LAST_TOTALS_SECONDS
        )
        return totals

    def _fault_at(self) -> float | None:
        """When the first fault began; without faults, when a model first changed."""
        timed: tuple[Fault | ModelPhase, ...] = self._scenario.fault or self._scenario.phase
        begun = [at for each in timed if (at := self._moment.begin(each)) is not None]
        return self._began + min(begun) * _MINUTE if begun else None

    def _alarm_at(self) -> float | None:
        """When the alarm that took traffic off, or else the first one, rang."""
        critical = [at for name, at in self._rang if name == "canary-critical"]
        return min(critical or [at for _, at in self._rang], default=None)


def _between(begin: float | None, end: float | None) -> float | None:
    return None if begin is None or end is None else round(end - begin, 1)
