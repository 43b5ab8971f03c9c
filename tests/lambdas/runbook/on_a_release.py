"""Commands for a release that runs: stop it, hold it, let it go on, ask where it stands."""

from __future__ import annotations

from typing import Any

from canary.aws.rollbacks import Rollbacks
from canary.release.model import Cause, Hold, Phase
from canary.routing.weights import ALL_ON_CANARY, ALL_ON_PRIMARY, TrafficForm
from tests.lambdas.conftest import HOUR, START
from tests.lambdas.runbook.deeds import done, runs
from tests.lambdas.runbook.duty import Duty
from tests.lambdas.runbook.extraction import Command

BY_HAND = "How to roll back now"
AT_5 = TrafficForm(control=0, canary=100, draw=0)


def at_5(duty: Duty, **changes: Any) -> None:
    """A release with traffic at 5%."""
    duty.region.release(**changes)
    duty.region.shift(AT_5)


def held(duty: Duty, cause: Cause, *, to: Phase = Phase.BAKING, **changes: Any) -> None:
    """A release that is held, and where it will go on."""
    hold = Hold(cause, (), START - HOUR, to, "the reason that was given")
    at_5(duty, phase=Phase.HELD, hold=hold, **changes)


def taken_off(duty: Duty, *, strike: bool) -> None:
    """All traffic is on the primary set, and the release has ended."""
    record = duty.region.record()
    assert duty.region.weights() == ALL_ON_PRIMARY
    assert (record.phase, record.cause, record.strike) == (
        Phase.ROLLED_BACK,
        Cause.OPERATOR,
        strike,
    )
    assert duty.region.releases.lock() is None


@runs("canary rollback --reason customers report nonsense", BY_HAND)
@runs(
    "canary rollback --reason the ledger did not consent",
    "Resume",
)
@runs("canary rollback --reason no quota this week", "The release is held by machinery")
def roll_back(duty: Duty, command: Command) -> None:
    """Traffic goes, without a strike, and the record has the reason in the person's own words."""
    held(duty, Cause.GATE) if command.place == "Resume" else at_5(duty)
    done(duty, command)
    taken_off(duty, strike=False)
    kept = Rollbacks(duty.region.client("dynamodb"), "canary-rollbacks").find("r-1")
    assert kept is not None
    assert str(kept.fields["detail"]).endswith(command.words[-1])


@runs(
    "canary rollback --strike --reason answers the filter is right to stop",
    "`canary-harm-safety`",
)
def roll_back_with_a_strike(duty: Duty, command: Command) -> None:
    """The candidate is at fault: its memory has the strike."""
    held(duty, Cause.WARNING)
    done(duty, command)
    taken_off(duty, strike=True)
    (kept,) = duty.region.memories.candidate("model-b").rollbacks
    assert kept.strike


@runs(
    "aws lambda invoke --function-name canary-rollback:live --invocation-type Event "
    "--cli-binary-format raw-in-base64-out --payload … /dev/null",
    BY_HAND,
)
def roll_back_without_a_checkout(duty: Duty, command: Command) -> None:
    """The function alone does what `canary rollback` does."""
    at_5(duty)
    done(duty, command)
    taken_off(duty, strike=False)


@runs("aws elbv2 modify-rule --rule-arn {RULE} --actions …", BY_HAND)
def set_the_weights_by_hand(duty: Duty, command: Command) -> None:
    """Rule by rule; the reconciler then ends the release, and gives the canary nothing back."""
    at_5(duty)
    groups = duty.region.groups
    for arn in duty.region.rules.values():
        duty.values = {"RULE": arn, "PRIMARY": groups["primary"], "CANARY": groups["canary"]}
        done(duty, command)
    assert duty.region.weights() == ALL_ON_PRIMARY
    duty.region.load("reconcile").handler({}, None)
    assert duty.region.weights() == ALL_ON_PRIMARY
    assert duty.region.record().phase is Phase.ROLLED_BACK


@runs("canary status --json", BY_HAND)
def status_names_the_safe_arm(duty: Duty, command: Command) -> None:
    """Past the point of no return it is the canary, and the lock says so as well."""
    duty.region.release(
        phase=Phase.PROMOTING, stage=4, safe_arm="canary", control_header_on_canary=True
    )
    duty.region.shift(ALL_ON_CANARY)
    assert done(duty, command).document["safe_arm"] == "canary"
    lock = duty.region.releases.lock()
    assert lock is not None
    assert lock.safe_arm == "canary"


@runs("canary status RELEASE", BY_HAND, "`canary-critical`")
def status_of_what_was_rolled_back(duty: Duty, command: Command) -> None:
    """The release is over, and the answer says why."""
    at_5(duty)
    before = done(duty, command)
    assert "BAKING" in before.out
    event = {"source": "operator", "release_id": "r-1", "cause": "operator", "detail": "x"}
    duty.region.load("rollback").handler(event, None)
    after = done(duty, command)
    assert "ROLLED_BACK" in after.out
    assert "cause: operator" in after.out


@runs(
    "canary status",
    "Resume",
    "The execution failed, timed out or was stopped",
    "Held at the offline gate",
    "`rollback-dead-letters`",
    "`rollback-failed`",
    "`events-dropped`",
)
def status(duty: Duty, command: Command) -> None:
    """Where the active release stands, why it is held, and what was decided last."""
    last = {"at": START, "decision": "HOLD", "reason": "sample ratio"}
    held(duty, Cause.GATE, stage=1, decisions=(last,))
    result = done(duty, command)
    assert "r-1: HELD at stage 1 (model-b)" in result.out
    assert "held: gate: the reason that was given" in result.out
    assert "last decision: HOLD: sample ratio" in result.out


@runs("canary hold --reason waiting for the provider's answer", "Hold")
def hold(duty: Duty, command: Command) -> None:
    """Held by a person, and the weights stay."""
    at_5(duty)
    done(duty, command)
    record = duty.region.record()
    assert record.hold is not None
    assert (record.phase, record.hold.cause) == (Phase.HELD, Cause.OPERATOR)
    assert record.hold.detail == "waiting for the provider's answer"
    assert duty.region.weights() == AT_5


@runs("canary resume", "Resume", "The release is held by machinery")
def resume(duty: Duty, command: Command) -> None:
    """The hold is lifted, and the weights stay."""
    held(duty, Cause.MACHINERY)
    done(duty, command)
    record = duty.region.record()
    assert (record.phase, record.hold) == (Phase.BAKING, None)
    assert duty.region.weights() == AT_5
