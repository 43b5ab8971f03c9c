"""After a rollback: root causes, filed and reviewed, and leave to start all the same.

Exit status: 0 done, 1 refused (nothing was written), 2 usage or configuration. Who files, reviews
or gives leave is whoever's credentials are used, as STS knows them.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import IO, TYPE_CHECKING, Any

import click

from canary.cli.operate import Region, in_region, refuse

if TYPE_CHECKING:
    from canary.release.memory import Past, RootCause

__all__ = ["override", "rca", "refuse_restart"]

MOST_BYTES = 100 * 1024
"""Of a document: an item holds 400 KB. A longer one belongs where it can be linked to."""


@click.group()
def rca() -> None:
    """Root causes: what made a candidate fail, filed by one person and reviewed by another."""


@rca.command("file")
@click.argument("release_id")
@click.option(
    "--document",
    type=click.File("r", encoding="utf-8"),
    required=True,
    help="The analysis as text, a file or - for standard input.",
)
@click.option("--summary", default="", help="In one line (default: the document's first line).")
@in_region
def file_root_cause(region: Region, *, release_id: str, document: IO[str], summary: str) -> None:
    """File the root cause of RELEASE_ID's rollback. It is kept for good, with its digest."""
    from canary.aws import clock
    from canary.aws.memories import MemoryChangedError
    from canary.release.memory import RootCause

    text = document.read()
    size = len(text.encode())
    if not text.strip():
        raise click.UsageError("--document: is empty")
    if size > MOST_BYTES:
        raise click.UsageError(
            f"--document: has {size:,} bytes; at most {MOST_BYTES:,}: file a summary with a link"
        )
    candidate, past = _rolled_back(region, release_id)
    known = past.root_cause(release_id)
    if known is not None and known.approved is not False:
        refuse(f"{release_id}: {_told(known)}; another is filed only when one was declined")
    filed = RootCause(
        release_id=release_id,
        number=known.number + 1 if known else 1,
        filed_by=region.caller(),
        filed_at=clock.now(),
        digest=hashlib.sha256(text.encode()).hexdigest(),
        summary=summary or text.strip().splitlines()[0].lstrip("# "),
    )
    try:
        region.memories().file(candidate, filed, text)
    except MemoryChangedError as error:
        refuse(str(error))
    region.say(
        f"{release_id}: {_told(filed)}\nnext: someone else runs "
        f"canary rca review {release_id} --approve --note TEXT",
        _document(candidate, filed),
    )


@rca.command("review")
@click.argument("release_id")
@click.option("--approve/--decline", "approve", default=None, help="What you make of it.")
@click.option("--note", required=True, help="Why; it is kept.")
@in_region
def review_root_cause(region: Region, *, release_id: str, approve: bool | None, note: str) -> None:
    """Review the root cause of RELEASE_ID's rollback: someone else than who filed it."""
    from canary.aws import clock
    from canary.aws.memories import MemoryChangedError

    if approve is None:
        raise click.UsageError("--approve or --decline, one of them is needed")
    candidate, past = _rolled_back(region, release_id)
    filed = _filed(past, release_id)
    caller = region.caller()
    if filed.approved is not None:
        refuse(f"{release_id}: {_told(filed)}; a review is written once")
    if filed.filed_by == caller:
        refuse(f"{release_id}: {caller} filed it, and someone else reviews it")
    reviewed = dataclasses.replace(
        filed, reviewed_by=caller, reviewed_at=clock.now(), approved=approve, note=note
    )
    try:
        region.memories().review(candidate, reviewed)
    except MemoryChangedError as error:
        refuse(str(error))
    if approve:
        region.rollbacks().pay("root_cause", release_id)
    region.say(f"{release_id}: {_told(reviewed)}", _document(candidate, reviewed))


@rca.command("show")
@click.argument("release_id")
@in_region
def show_root_cause(region: Region, *, release_id: str) -> None:
    """Show the last root cause that was filed for RELEASE_ID's rollback, with its text."""
    candidate, past = _rolled_back(region, release_id)
    filed = _filed(past, release_id)
    text = region.memories().document(candidate, filed)
    region.say(
        f"{release_id}: {_told(filed)}\n\n{text}",
        _document(candidate, filed) | {"document": text},
    )


@click.command()
@click.argument("candidate")
@click.option("--reason", required=True, help="Why; it is kept.")
@in_region
def override(region: Region, *, candidate: str, reason: str) -> None:
    """Give someone else leave to start CANDIDATE, a model id, in spite of its last rollback.

    For one start, with `canary start --override-reason`, until the next rollback. It lifts the
    cooldown, a root cause that is missing and scores that are too old; never a rejection.
    """
    import datetime as dt

    from canary.aws import clock
    from canary.aws.memories import MemoryChangedError
    from canary.release.memory import Override

    past = region.memories().past(candidate, region.releases())
    if past.candidate.rejected:
        refuse(f"{candidate} was rejected, and no override lifts that; release another model")
    if not past.last_strike_at:
        refuse(f"no rollback stands in the way of {candidate}")
    at = clock.now()
    name = f"{dt.datetime.fromtimestamp(at, tz=dt.UTC):%Y%m%d-%H%M%S}"
    given = Override(override_id=name, by=region.caller(), at=at, reason=reason)
    try:
        region.memories().give(candidate, given)
    except MemoryChangedError as error:
        refuse(str(error))
    region.say(
        f"{candidate}: leave given by {given.by}: {reason}\nnext: someone else runs "
        f"canary start {candidate} --offline SCORES --override-reason TEXT",
        {"candidate": candidate, **dataclasses.asdict(given)},
    )


def refuse_restart(region: Region, given: dict[str, Any]) -> None:
    """Refuse at once what admission would refuse because of a rollback; `given` is its input."""
    from canary.aws import clock
    from canary.release.admission import Request
    from canary.release.restart import judge_restart

    request = Request.from_dict(given)
    past = region.memories().past(request.candidate, region.releases())
    verdict = judge_restart(request, past, region.policy().anti_flapping, clock.now())
    if verdict.reasons:
        refuse("; ".join(verdict.reasons))


def _rolled_back(region: Region, release_id: str) -> tuple[str, Past]:
    """The candidate of a release that was rolled back, and its past; else refused."""
    releases = region.releases()
    state = releases.load(release_id)
    if state is None:
        refuse(f"there is no release {release_id}")
    if not state.revoked:
        refuse(f"{release_id} was not rolled back, it is {state.phase.value}")
    return state.candidate, region.memories().past(state.candidate, releases)


def _filed(past: Past, release_id: str) -> RootCause:
    filed = past.root_cause(release_id)
    if filed is None:
        refuse(f"{release_id} has no root cause: `canary rca file {release_id} --document FILE`")
    return filed


def _told(filed: RootCause) -> str:
    from canary.release.restart import moment

    told = f"filed by {filed.filed_by} at {moment(filed.filed_at)} ({filed.summary})"
    if filed.approved is None or filed.reviewed_at is None:
        return f"{told}, not reviewed"
    verdict = "approved" if filed.approved else "declined"
    at = moment(filed.reviewed_at)
    return f"{told}, {verdict} by {filed.reviewed_by} at {at}: {filed.note}"


def _document(candidate: str, filed: RootCause) -> dict[str, Any]:
    return {"candidate": candidate, **dataclasses.asdict(filed)}
