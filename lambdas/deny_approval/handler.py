"""The promotion pipeline ended without an approval: the release that waits for it is held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws.approvals import Approvals
from canary.aws.clients import client
from canary.aws.executions import Executions
from canary.aws.pipelines import PromotionPipeline
from canary.aws.records import Releases
from canary.aws.settings import from_environment


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    promotion_pipeline: str


SETTINGS = from_environment(Settings)
DYNAMODB = client("dynamodb")
RELEASES = Releases(DYNAMODB, SETTINGS.releases_table)
APPROVALS = Approvals(DYNAMODB, SETTINGS.releases_table)
EXECUTIONS = Executions(client("stepfunctions"))
PIPELINE = PromotionPipeline(client("codepipeline"), SETTINGS.promotion_pipeline)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Fail the task token of the active release when this execution asked for it.

    A rejection, a stop, an expiry and a broken action all arrive here, from EventBridge, and so
    does the end of an execution that nobody waits for: that changes nothing. Raises `LookupError`
    while the question does not know its execution yet: the service calls again.
    """
    detail = event["detail"]
    execution_id, ended = str(detail["execution-id"]), str(detail["state"])
    lock = RELEASES.lock()
    approval = APPROVALS.find(lock.release_id) if lock else None
    if approval is None:
        return {"denied": False}
    if not approval.execution_id:
        raise LookupError(f"{approval.release_id}: the question does not name its execution yet")
    if approval.execution_id != execution_id:
        return {"denied": False}
    answer = PIPELINE.answer_of(execution_id)
    said = str(answer) if answer else "the approval was not reached"
    cause = f"The promotion pipeline has {ended}: {said}"
    return {"denied": EXECUTIONS.fail(approval.task_token, "ApprovalDenied", cause)}
