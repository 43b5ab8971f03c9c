"""Answer the release that waits for a person, through the promotion pipeline's own approval.

What the console does, for the embedded region and for people who may call PutApprovalResult.
"""

from __future__ import annotations

import getpass
from typing import Literal

import click

from canary.cli.operate import Region, in_region, refuse

__all__ = ["approve", "reject"]

PIPELINE = "promotion"
RELEASES_TABLE = "canary-releases"


@click.command()
@click.argument("release_id", default="")
@click.option("--by", default="", help="Who approves (default: the user).")
@click.option("--summary", default="read the report", show_default=True, help="What was looked at.")
@in_region
def approve(region: Region, release_id: str, by: str, summary: str) -> None:
    """Approve: the candidate of RELEASE_ID (default: the active release) takes all traffic."""
    _answer(region, release_id, "Approved", by, summary)


@click.command()
@click.argument("release_id", default="")
@click.option("--by", default="", help="Who rejects (default: the user).")
@click.option("--reason", required=True, help="Why; people read it in the hold.")
@in_region
def reject(region: Region, release_id: str, by: str, reason: str) -> None:
    """Reject: RELEASE_ID (default: the active release) is held where it is, without a strike."""
    _answer(region, release_id, "Rejected", by, reason)


def _answer(
    region: Region, release_id: str, status: Literal["Approved", "Rejected"], by: str, text: str
) -> None:
    from canary.aws.approvals import Approvals
    from canary.aws.pipelines import PromotionPipeline

    state = region.active()
    if release_id and release_id != state.release_id:
        refuse(f"{state.release_id} is active, not {release_id}")
    question = Approvals(region.client("dynamodb"), RELEASES_TABLE).find(state.release_id)
    if state.phase.value != "AWAITING_APPROVAL" or question is None:
        refuse(f"{state.release_id} does not ask for approval, it is {state.phase.value}")
    pipeline = PromotionPipeline(region.client("codepipeline"), PIPELINE)
    pending = pipeline.pending()
    if pending is None or pending.execution_id != question.execution_id:
        refuse(f"pipeline {PIPELINE} does not wait for an answer (yet): try again in a minute")
    who = by or getpass.getuser()
    pipeline.answer(pending, status, f"{who}: {text}")
    region.say(
        f"{state.release_id} {status.lower()} by {who}",
        {"release_id": state.release_id, "approved": status == "Approved", "by": who},
    )
