"""`canary report`: a release's report, made now from what its region has stored.

Exit status: 0 written, 1 there is no such release, 2 usage or configuration.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from canary.cli.operate import RELEASES_TABLE, ROLLBACKS_TABLE, Region, in_region, refuse
from canary.cli.stack_outputs import stack_output

if TYPE_CHECKING:
    from canary.aws.report_making import ReportMaker
    from canary.release.model import ReleaseState

__all__ = ["report"]

OUTPUT = "ReportsBucket"


@click.command()
@click.argument("release_id", default="")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the page goes, its numbers beside it as .json (default: report-RELEASE.html).",
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--looks",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Make it from the looks in this directory alone, without a region.",
)
@click.option("--bucket", help="The reports' bucket; by default the stack's output names it.")
@in_region
def report(
    region: Region,
    *,
    release_id: str,
    output: Path | None,
    show: bool,
    folder: Path | None,
    bucket: str | None,
) -> None:
    """Make the report of RELEASE_ID (default: the active release), at any time of the release.

    What a person approves from: the verdict in a sentence and what is asked, the primary metric
    against its bounds, every gate, check and rule, and conversations of both arms. With --json the
    numbers go to standard output, and a page is written only if --output names it.

    Needs dynamodb:GetItem and Query on canary-releases, dynamodb:Query on canary-rollbacks,
    s3:ListBucket and s3:GetObject on looks/ of the reports' bucket, the use of Athena workgroup
    canary, and cloudformation:DescribeStacks without --bucket; --looks needs no region.

    Exit status: 0 written, 1 there is no such release, 2 usage or configuration.
    """
    if folder is not None:
        document = _from_folder(folder, release_id)
    else:
        state = region.releases().load(release_id) if release_id else region.active()
        if state is None:
            refuse(f"there is no release {release_id}")
        document = _from_region(region, state, bucket)
    if region.as_json:
        click.echo(json.dumps(document, sort_keys=True))
    if region.as_json and output is None and not show:
        return
    place = output or Path(f"report-{document['release']['release_id']}.html")
    _write(place, document)
    if not region.as_json:
        click.echo(f"{place}: {document['verdict']['sentence']}")
    if show:
        click.launch(place.resolve().as_uri())


def _from_folder(folder: Path, release_id: str) -> dict[str, Any]:
    """The looks' own files; what only the record or the events know is missing."""
    from canary.aws.looks import unpack
    from canary.report.document import report_document

    files = sorted({*folder.glob("*.json"), *folder.glob("*.json.gz")})
    found = [unpack(file.read_bytes(), str(file)) for file in files]
    names = sorted({record.state.release_id for record in found})
    if not found:
        raise click.UsageError(f"{folder}: has no look, a file STAGE-MS.json.gz")
    if release_id and release_id not in names:
        raise click.UsageError(f"{folder}: has looks of {', '.join(names)}, none of {release_id}")
    if not release_id and len(names) > 1:
        raise click.UsageError(f"{folder}: has looks of {', '.join(names)}: name one of them")
    records = sorted(
        (each for each in found if each.state.release_id == (release_id or names[0])),
        key=lambda each: each.facts.as_of,
    )
    last = records[-1]
    return report_document(last.state, records, at=last.facts.as_of)


def _from_region(region: Region, state: ReleaseState, bucket: str | None) -> dict[str, Any]:
    from canary.aws import clock
    from canary.aws.clients import region_name

    place = region.name or region_name()
    name = bucket or stack_output(region.client("cloudformation"), place, OUTPUT)
    return _maker(region, name).document(state, clock.now())


def _maker(region: Region, bucket: str) -> ReportMaker:
    from canary.aws.athena import Athena, Tables
    from canary.aws.event_days import EventDays
    from canary.aws.looks import Looks
    from canary.aws.report_evidence import EvidenceStore
    from canary.aws.report_making import ReportMaker
    from canary.aws.rollbacks import Rollbacks

    dynamodb = region.client("dynamodb")
    athena = Athena(region.client("athena"), Tables("canary", "canary", "events", "event_days"))
    return ReportMaker(
        Looks(region.client("s3"), bucket),
        EvidenceStore(athena, EventDays(dynamodb, RELEASES_TABLE, athena)),
        Rollbacks(dynamodb, ROLLBACKS_TABLE),
    )


def _write(place: Path, document: dict[str, Any]) -> None:
    from canary.report.page import report_page

    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(report_page(document), encoding="utf-8")
    numbers = json.dumps(document, sort_keys=True, indent=1)
    place.with_suffix(".json").write_text(numbers + "\n", encoding="utf-8")
