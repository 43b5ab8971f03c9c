"""Ask a person: keep the task token, start the promotion pipeline with the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.approvals import Approvals
from canary.aws.clients import client
from canary.aws.parameters import Parameters
from canary.aws.performer import Performer
from canary.aws.pipelines import PromotionPipeline
from canary.aws.records import Releases
from canary.aws.reports import Report, Reports
from canary.aws.settings import from_environment
from canary.release.events import ApprovalAsked
from canary.report.approval import approval_page


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    parameter_prefix: str
    reports_bucket: str
    promotion_pipeline: str


SETTINGS = from_environment(Settings)
DYNAMODB = client("dynamodb")
APPROVALS = Approvals(DYNAMODB, SETTINGS.releases_table)
PIPELINE = PromotionPipeline(client("codepipeline"), SETTINGS.promotion_pipeline)
REPORTS = Reports(client("s3"), SETTINGS.reports_bucket)
PERFORMER = Performer(
    releases=Releases(DYNAMODB, SETTINGS.releases_table),
    parameters=Parameters(client("ssm"), SETTINGS.parameter_prefix),
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Store the token before anyone is asked, so that the answer always finds it.

    Whatever the pipeline still asks is about a release that is over, or a question that was
    withdrawn: it goes first, because executions queue.
    """
    state = PERFORMER.current(event["release_id"])
    approval = APPROVALS.ask(state.release_id, event["task_token"])
    PIPELINE.abandon_all(f"{state.release_id} asks anew")
    report = written(event) or REPORTS.write(state.release_id, approval_page(state, at=clock.now()))
    execution = PIPELINE.start(state.release_id, report, task_token=approval.task_token)
    APPROVALS.asked_by(approval, execution)
    PERFORMER.settle(state, ApprovalAsked(clock.now(), execution))
    return {"execution_id": execution}


def written(event: dict[str, Any]) -> Report | None:
    """The report that the progression had written; a fault there leaves the record's own page."""
    known = event.get("report") or {}
    return Report(known["key"], known["version"]) if known.get("version") else None
