"""`canary explain`: why a release was decided on as it was, and whether the look still says so.

Exit status: 0 shown, and each decision came out again; 1 one did not, or there is nothing to show;
2 usage or configuration.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from canary.cli.operate import Region, in_region, refuse
from canary.cli.stack_outputs import stack_output

if TYPE_CHECKING:
    from canary.aws.looks import Looks, StoredLook
    from canary.decision.record import LookRecord
    from canary.decision.replay import Replay
    from canary.release.model import ReleaseState

__all__ = ["Explained", "explain"]

OUTPUT = "ReportsBucket"
_DIFFERS = 1


@dataclass(frozen=True)
class Explained:
    """One look as it is shown: which of how many, from where, and its decision made again."""

    number: int
    count: int
    source: str
    record: LookRecord
    replay: Replay
    entered: bool | None
    """Whether the decision entered the release's record; `None` when only a file is known."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        from canary.decision.outlook import outlook

        record, found = self.record, self.replay
        return {
            "look": self.number,
            "source": self.source,
            "at": record.facts.as_of,
            "stage": record.state.stage,
            "asked_stage": record.asked_stage,
            "entered": self.entered,
            "replayed": found.outcome.value,
            "differences": [
                {"path": each.path, "kept": each.kept, "made": each.made}
                for each in found.differences
            ],
            "next": list(outlook(record)),
            "decision": dict(record.decision),
        }


@click.command()
@click.argument("release_id", default="")
@click.option("--look", "number", type=int, help="Look N, from 1 on; -1 is the last.")
@click.option("--all", "every", is_flag=True, help="Every look, a line each; each is replayed.")
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A look's own file, instead of a release's looks.",
)
@click.option("--bucket", help="The reports' bucket; by default the stack's output names it.")
@in_region
def explain(
    region: Region,
    *,
    release_id: str,
    number: int | None,
    every: bool,
    file: Path | None,
    bucket: str | None,
) -> None:
    """Say why RELEASE_ID (default: the active release) was decided on as it was at its last look.

    Shows the decision, every verdict and rule behind it, and what would change it next. Each
    decision is made again from what the look read: "replayed: same" when it comes out bit for bit.

    Needs s3:ListBucket and s3:GetObject on looks/ of the reports' bucket, dynamodb:GetItem on
    canary-releases, and cloudformation:DescribeStacks without --bucket; --file needs no region.

    Exit status: 0 shown and replayed, 1 a decision differs or there is nothing to show, 2 usage or
    configuration.
    """
    if file is not None and (release_id or every or number is not None):
        raise click.UsageError("--file shows that one look: leave out RELEASE_ID, --look and --all")
    if every and number is not None:
        raise click.UsageError("--look and --all exclude each other")
    found = _from_file(file) if file else _from_region(region, release_id, number, bucket, every)
    _show(found, as_json=region.as_json, every=every)


def _from_file(file: Path) -> Iterator[Explained]:
    from canary.aws.looks import unpack
    from canary.decision.replay import replay

    record = unpack(file.read_bytes(), str(file))
    yield Explained(1, 1, str(file), record, replay(record), None)


def _from_region(
    region: Region, release_id: str, number: int | None, bucket: str | None, every: bool
) -> Iterator[Explained]:
    from canary.aws.clients import region_name
    from canary.aws.looks import Looks

    state = region.releases().load(release_id) if release_id else region.active()
    if state is None:
        refuse(f"there is no release {release_id}")
    place = region.name or region_name()
    name = bucket or stack_output(region.client("cloudformation"), place, OUTPUT)
    looks = Looks(region.client("s3"), name)
    stored = looks.stored(state.release_id)
    if not stored:
        refuse(
            f"{state.release_id} has no looks yet: the first comes when its traffic is at stage 1"
        )
    if every:
        wanted = range(len(stored))
    else:
        index = _index(number if number is not None else -1, state.release_id, len(stored))
        wanted = range(index, index + 1)
    yield from _explained(state, looks, stored, wanted, name)


def _index(number: int, release_id: str, count: int) -> int:
    """The place of look `number`, which counts from 1, or from the end below 0."""
    index = number - 1 if number > 0 else count + number
    if number == 0 or not 0 <= index < count:
        raise click.UsageError(f"--look {number}: {release_id} has looks 1 to {count}")
    return index


def _explained(
    state: ReleaseState, looks: Looks, stored: tuple[StoredLook, ...], wanted: range, bucket: str
) -> Iterator[Explained]:
    """A decision has entered the record when the record after it, or the present one, knows it."""
    from canary.decision.replay import replay

    after: LookRecord | None = None
    for index in wanted:
        record = after or looks.load(stored[index])
        last = index + 1 == len(stored)
        after = None if last else looks.load(stored[index + 1])
        known = (*state.decisions, *(after.state.decisions if after else ()))
        entered = any(each["at"] == record.facts.as_of for each in known)
        source = f"s3://{bucket}/{stored[index].key}"
        yield Explained(index + 1, len(stored), source, record, replay(record), entered)


def _show(found: Iterator[Explained], *, as_json: bool, every: bool) -> None:
    from canary.cli.explain_page import print_line, print_page
    from canary.decision.replay import Replayed

    shown, differs = [], False
    for each in found:
        differs = differs or each.replay.outcome is Replayed.DIFFERS
        if as_json:
            shown.append((each.record.state.release_id, each.count, each.to_dict()))
        elif every:
            print_line(each)
        else:
            print_page(each)
    if as_json:
        document = {
            "release_id": shown[0][0],
            "count": shown[0][1],
            "same": not differs,
            "looks": [look for _, _, look in shown],
        }
        click.echo(json.dumps(document, sort_keys=True))
    if differs:
        raise click.exceptions.Exit(_DIFFERS)
