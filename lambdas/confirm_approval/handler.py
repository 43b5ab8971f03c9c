"""The promotion pipeline's last action: a person approved, so the waiting release goes on.

The record has the approval before the progression hears of it: nothing else lets a promotion be
ordered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.approvals import Approvals
from canary.aws.clients import client
from canary.aws.executions import Executions
from canary.aws.faults import Revoked
from canary.aws.notify import Topic
from canary.aws.performer import Performer
from canary.aws.pipeline_jobs import Job, Jobs, read_job
from canary.aws.pipelines import PromotionPipeline
from canary.aws.records import Releases
from canary.aws.settings import from_environment
from canary.release.events import Approved


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    promotion_pipeline: str
    ml_topic_arn: str


SETTINGS = from_environment(Settings)
CODEPIPELINE = client("codepipeline")
JOBS = Jobs(CODEPIPELINE)
PIPELINE = PromotionPipeline(CODEPIPELINE, SETTINGS.promotion_pipeline)
DYNAMODB = client("dynamodb")
APPROVALS = Approvals(DYNAMODB, SETTINGS.releases_table)
EXECUTIONS = Executions(client("stepfunctions"))
PERFORMER = Performer(
    releases=Releases(DYNAMODB, SETTINGS.releases_table),
    topics={"ml_engineers": Topic(client("sns"), SETTINGS.ml_topic_arn)},
)


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
    approved = Approved(clock.now(), answer.by if answer else "", execution_id)
    try:
        state = PERFORMER.settle(PERFORMER.current(release_id), approved)
    except Revoked:
        return f"{release_id} is over"
    if state.approved_at is None or state.asked_in not in ("", execution_id):
        return f"{release_id} does not ask this any more, it is {state.phase.value}"
    output = {"approved_by": answer.by, "summary": answer.summary} if answer else {}
    if not EXECUTIONS.succeed(approval.task_token, output):
        return f"{release_id} does not wait any more: it was rolled back, held, or answered before"
    return ""
