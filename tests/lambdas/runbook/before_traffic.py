"""Commands for a release that is held before any task or traffic was touched."""

from __future__ import annotations

from canary.release.model import Cause, Phase
from tests.lambdas.runbook.deeds import done, runs
from tests.lambdas.runbook.duty import Duty
from tests.lambdas.runbook.extraction import Command
from tests.lambdas.runbook.on_a_release import held, taken_off

GATE = "Held at the offline gate"
JOB = "arn:aws:bedrock:us-east-1:123456789012:evaluation-job/abcdefghijkl"


@runs("aws bedrock get-evaluation-job --job-identifier {JOB}", GATE)
def ask_for_the_job(duty: Duty, command: Command) -> None:
    """Its state, and what Bedrock says of it."""
    duty.values = {"JOB": JOB}
    duty.jobs[JOB] = {"status": "Failed", "failureMessages": ["no access to model-b"]}
    said = done(duty, command).document
    assert (said["status"], said["failureMessages"]) == ("Failed", ["no access to model-b"])


@runs("canary resume", GATE)
def resume(duty: Duty, command: Command) -> None:
    """The release is where the gate starts another job."""
    held(duty, Cause.MACHINERY, to=Phase.ADMITTED, stage=0)
    done(duty, command)
    assert duty.region.record().phase is Phase.ADMITTED


@runs("canary rollback --reason no evaluation job in this region", GATE)
def give_up(duty: Duty, command: Command) -> None:
    """No strike, and the next attempt needs a test of its own."""
    entry = duty.region.register()
    held(duty, Cause.MACHINERY, to=Phase.ADMITTED, stage=0)
    duty.region.take(entry)
    done(duty, command)
    taken_off(duty, strike=False)
    again = duty.run(("canary", "start", "CANDIDATE", "--test-id", "t-1"))
    assert (again.status, "t-1" in again.err) == (1, True)
