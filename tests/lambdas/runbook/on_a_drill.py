"""Commands for a fire drill that failed, or that has not passed for long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from canary.aws.drills import Drills
from canary.release.drill import DrillReport, Step
from tests.lambdas.runbook.deeds import done, runs
from tests.lambdas.runbook.duty import Duty
from tests.lambdas.runbook.extraction import Command

FAILED, LATE = "`drill-failed`", "`drill-late`"


def drills(duty: Duty) -> Drills:
    return Drills(duty.region.client("dynamodb"), "canary-releases")


def ends(duty: Duty, *failed: Step) -> Callable[[dict[str, Any]], None]:
    """The drill function, whose own tests are test_drill's: it writes the report it comes to."""

    def drill(event: dict[str, Any]) -> None:
        report = DrillReport(event["drill_id"], 0.0, fault_at=5.0, alarm_at=95.0, safe_at=96.0)
        for step in failed:
            report.fail(step, "the rules are as they were")
        report.close(150.0)
        drills(duty).write(report)

    return drill


@runs("canary drill", FAILED)
def again(duty: Duty, command: Command) -> None:
    """It fails as before, and says at which step, and what was seen."""
    duty.functions["canary-drill"] = ends(duty, Step.WEIGHTS)
    told = done(duty, command, status=1).out
    assert "failed at step weights" in told
    assert "the rules are as they were" in told
    assert drills(duty).last_passed_at() is None


@runs("canary status", FAILED)
def is_anything_left(duty: Duty, command: Command) -> None:
    """A lock that the drill did not give back, and afterwards none."""
    assert done(duty, command).out.strip() == "no release is active"
    duty.region.release(drill={"assignment": "{}", "status": "", "promoted": False})
    assert "a fire drill: no customer meets it" in done(duty, command).out


@runs("canary drill", LATE)
def drill_now(duty: Duty, command: Command) -> None:
    """One that passes is the last one from then on, which is what the alarm waits for."""
    duty.functions["canary-drill"] = ends(duty)
    assert "alarm to safe weights: 1.0 s" in done(duty, command).out
    assert drills(duty).last_passed_at() == 150.0
