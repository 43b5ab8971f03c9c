"""Commands for a release that waits for a person's approval."""

from __future__ import annotations

import json
from typing import Any

from canary.release.model import Cause, Hold, Phase
from canary.routing.weights import ALL_ON_PRIMARY
from tests.lambdas.conftest import HOUR, START
from tests.lambdas.runbook.deeds import done, runs
from tests.lambdas.runbook.duty import Duty
from tests.lambdas.runbook.extraction import Command

APPROVE = "Approve"


def asked(duty: Duty) -> None:
    """The release asks, and the pipeline waits for the answer."""
    duty.region.release(stage=3)
    event = {"release_id": "r-1", "task_token": "token-1"}
    duty.region.load("await_approval").handler(event, None)
    assert duty.region.record().phase is Phase.AWAITING_APPROVAL
    duty.pending = True


def answered(duty: Duty) -> dict[str, Any]:
    """What CodePipeline was told, by the token of the approval that waits."""
    (told,) = duty.did("PutApprovalResult")
    assert (told["pipelineName"], told["token"]) == ("promotion", "token-of-the-approval")
    result: dict[str, Any] = told["result"]
    return result


@runs("canary approve", APPROVE)
def approve(duty: Duty, command: Command) -> None:
    """The pipeline has its answer; its last action then writes it into the record."""
    asked(duty)
    done(duty, command)
    assert answered(duty)["status"] == "Approved"
    confirm(duty)
    assert duty.region.record().approved_at == duty.region.clock.time
    assert len(duty.did("SendTaskSuccess")) == 1


@runs("canary status", APPROVE)
def status(duty: Duty, command: Command) -> None:
    """Who approved, before any traffic moves."""
    asked(duty)
    assert "approved" not in done(duty, command).out
    duty.pending = False
    confirm(duty)
    said = done(duty, command).out
    assert "SHIFTING at stage 3" in said
    assert "approved by arn:kim" in said
    assert duty.region.weights() == ALL_ON_PRIMARY


def confirm(duty: Duty) -> None:
    """What the pipeline does with a person's yes."""
    parameters = json.dumps({"release_id": "r-1", "execution_id": "execution-1"})
    configuration = {"configuration": {"UserParameters": parameters}}
    job = {"id": "job-1", "data": {"actionConfiguration": configuration}}
    duty.region.load("confirm_approval").handler({"CodePipeline.job": job}, None)


@runs("canary reject --reason checkout_help looks worse by hand", APPROVE)
def reject(duty: Duty, command: Command) -> None:
    """The pipeline has its answer, with the reason."""
    asked(duty)
    done(duty, command)
    said = answered(duty)
    assert said["status"] == "Rejected"
    assert said["summary"].endswith(": checkout_help looks worse by hand")


@runs(
    "aws stepfunctions send-task-failure --task-token {TOKEN} --error ApprovalDenied "
    "--cause the pipeline ended unheard",
    APPROVE,
)
def deny_by_hand(duty: Duty, command: Command) -> None:
    """What `canary-deny-approval` would have done, with the token that the item holds."""
    asked(duty)
    item = duty.region.client("dynamodb").get_item(
        TableName="canary-releases", Key={"pk": {"S": "TOKEN#r-1"}, "sk": {"S": "TOKEN"}}
    )["Item"]
    duty.values = {"TOKEN": item["task_token"]["S"]}
    done(duty, command)
    (told,) = duty.did("SendTaskFailure")
    assert (told["taskToken"], told["error"]) == ("token-1", "ApprovalDenied")
    # The machine catches that error with the pause function.
    event = {"source": "progression", "release_id": "r-1", "cause": "approval"}
    duty.region.load("pause").handler(event | {"detail": told["cause"]}, None)
    record = duty.region.record()
    assert record.hold is not None
    assert (record.hold.cause, record.hold.resume_to) == (Cause.APPROVAL, Phase.BAKING)


@runs("canary resume", APPROVE)
def resume(duty: Duty, command: Command) -> None:
    """It looks again where it was, and asks again when that look promotes."""
    hold = Hold(Cause.APPROVAL, (), START - HOUR, Phase.BAKING, "ended unheard")
    duty.region.release(phase=Phase.HELD, stage=3, hold=hold)
    done(duty, command)
    record = duty.region.record()
    assert (record.phase, record.stage) == (Phase.BAKING, 3)
