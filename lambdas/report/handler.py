"""Write the report of a release: before a person is asked, and when the release has ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.athena import Athena, Tables
from canary.aws.clients import client
from canary.aws.diagnosing import Diagnoser
from canary.aws.event_days import EventDays
from canary.aws.looks import Looks
from canary.aws.records import Releases
from canary.aws.report_evidence import EvidenceStore
from canary.aws.report_making import ReportMaker
from canary.aws.reports import Reports
from canary.aws.rollbacks import Rollbacks
from canary.aws.settings import from_environment
from canary.report.page import report_page


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    rollbacks_table: str
    reports_bucket: str


SETTINGS = from_environment(Settings)
DYNAMODB = client("dynamodb")
S3 = client("s3")
ATHENA = Athena(client("athena"), from_environment(Tables))
RELEASES = Releases(DYNAMODB, SETTINGS.releases_table)
REPORTS = Reports(S3, SETTINGS.reports_bucket)
ROLLBACKS = Rollbacks(DYNAMODB, SETTINGS.rollbacks_table)
DIAGNOSER = Diagnoser(ATHENA, ROLLBACKS)
MAKER = ReportMaker(
    Looks(S3, SETTINGS.reports_bucket),
    EvidenceStore(ATHENA, EventDays(DYNAMODB, SETTINGS.releases_table, ATHENA)),
    ROLLBACKS,
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Write both objects, the page last: whoever finds a page finds its numbers.

    After a rollback its diagnosis is written too, while what happened can still be read.

    The answer names the page's version, or nothing for an execution that was never admitted, or
    that a drill started.
    """
    release_id = released(event)
    state = RELEASES.load(release_id)
    if state is None or state.drill is not None:
        return {"key": None, "version": None}
    document = MAKER.document(state, clock.now())
    REPORTS.write_numbers(release_id, document)
    if state.revoked and (found := DIAGNOSER.document(state)):
        REPORTS.write_diagnosis(release_id, found)
    report = REPORTS.write(release_id, report_page(document))
    return {"key": report.key, "version": report.version}


def released(event: dict[str, Any]) -> str:
    """The release that the progression names, or whose execution has ended."""
    if "release_id" in event:
        return str(event["release_id"])
    return str(json.loads(event["detail"]["input"])["release_id"])
