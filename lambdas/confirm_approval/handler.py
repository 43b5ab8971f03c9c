"""The promotion pipeline's last action: a person approved, so the waiting release goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws.approvals import Approvals
from canary.aws.clients import client
from canary.aws.executions import Executions
from canary.aws.pipeline_jobs import Job, Jobs, read_job
from canary.aws.pipelines import PromotionPipeline
from canary.aws.settings import from_environment


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    promotion_pipeline: str


SETTINGS = from_environment(Settings)
CODEPIPELINE = client("codepipeline")
JOBS = Jobs(CODEPIPELINE)
PIPELINE = PromotionPipeline(CODEPIPELINE, SETTINGS.promotion_pipeline)
APPROVALS = Approvals(client("dynamodb"), SETTINGS.releases_table)
EXECUTIONS = Executions(client("stepfunctions"))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the task token, or fail the job when the release no longer asks this.

    Raises `LookupError` while the question does not know its execution yet: the service calls
    again.
    """
    job = read_job(event)
    refused = confirm(job)
    if refused:
        JOBS.fail(job, refused)
    else:
        JOBS.succeed(job)
    return {"confirmed": not refused}


def confirm(job: Job) -> str:
    """Answer the release; the reason when that is not possible any more, else empty."""
    release_id, execution_id = job.parameters["release_id"], job.parameters["execution_id"]
    approval = APPROVALS.find(release_id)
    if approval is None:
        return f"{release_id} never asked for approval"
    if not approval.execution_id:
        raise LookupError(f"{release_id}: the question does not name its execution yet")
    if approval.execution_id != execution_id:
        return f"{release_id} asked again, in execution {approval.execution_id}"
    answer = PIPELINE.answer_of(execution_id)
    output = {"approved_by": answer.by, "summary": answer.summary} if answer else {}
    if not EXECUTIONS.succeed(approval.task_token, output):
        return f"{release_id} does not wait any more: it was rolled back, held, or answered before"
    return ""
