"""`canary diagnose`: what a rollback saw, which turns failed, and the on-call's answer to it.

Exit status: 0 shown, or the answer was kept; 1 no such rollback, it was answered before, or a model
does not answer; 2 usage or configuration.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import click

from canary.cli.diagnose_comparison import compared, keep, show_comparison
from canary.cli.operate import Region, in_region, refuse

if TYPE_CHECKING:
    from rich.table import Table

    from canary.aws.rollbacks import Rollbacks
    from canary.release.model import ReleaseState

__all__ = ["diagnose"]

_SHOWN = 6
_LONGEST = 160
_PIPED_WIDTH = 120


@click.command()
@click.argument("release_id")
@click.option(
    "--confirm",
    type=click.Choice(["yes", "no"]),
    default=None,
    help="Say whether the rollback was justified; it is kept, and cannot be said again.",
)
@click.option("--note", default="", help="With --confirm: why; people read it.")
@click.option(
    "--compare",
    "compare",
    is_flag=True,
    help="Ask both models again what failing conversations had asked, side by side.",
)
@click.option(
    "--keep",
    "keeps",
    is_flag=True,
    help="With --compare: put the answers into the diagnosis beside the report.",
)
@click.option(
    "--bucket", default="", help="With --keep: the reports' bucket (default: the stack's output)."
)
@in_region
def diagnose(
    region: Region,
    *,
    release_id: str,
    confirm: str | None,
    note: str,
    compare: bool,
    keeps: bool,
    bucket: str,
) -> None:
    """Show what the rollback of RELEASE_ID saw, and what was done about it.

    The counters and alarms of that moment, every step with its time, how turns of both arms ended
    in the hours before and after, and the last turns that failed, without their customers.

    --compare replays their sampled prompts, redacted and each alone, through control and
    candidate: what a person has to read who looks for the root cause.

    Needs dynamodb:GetItem on canary-releases, dynamodb:Query on canary-rollbacks and the use of
    Athena workgroup canary; --confirm: dynamodb:UpdateItem on canary-rollbacks; --compare:
    bedrock:InvokeModel on both models; --keep: s3:PutObject on reports/ of the reports' bucket,
    and cloudformation:DescribeStacks without --bucket.

    Exit status: 0 done, 1 no such rollback, answered before, or a model that does not answer, 2
    usage or configuration.
    """
    if note and not confirm:
        raise click.UsageError("--note goes with --confirm")
    if confirm and compare:
        raise click.UsageError("--confirm and --compare exclude each other")
    if (keeps and not compare) or (bucket and not keeps):
        raise click.UsageError("--keep goes with --compare, and --bucket with --keep")
    state = region.releases().load(release_id)
    if state is None:
        refuse(f"there is no release {release_id}")
    rollbacks = region.rollbacks()
    if confirm:
        _answer(region, rollbacks, state, justified=confirm == "yes", note=note)
        return
    document = _document(region, rollbacks, state)
    if document is None:
        refuse(f"{release_id} was not rolled back: it is {state.phase.value}")
    if compare:
        document["comparison"] = compared(region, document)
    kept = keep(region, document, bucket) if keeps else ""
    if region.as_json:
        region.say("", document | ({"kept": kept} if kept else {}))
        return
    _show(document)
    if kept:
        click.echo(f"kept: {kept}")


def _answer(
    region: Region, rollbacks: Rollbacks, state: ReleaseState, *, justified: bool, note: str
) -> None:
    from canary.aws import clock
    from canary.aws.rollbacks import AnsweredError, iso

    record = rollbacks.find(state.release_id)
    if record is None:
        refuse(f"{state.release_id} was not rolled back: it is {state.phase.value}")
    who = region.caller()
    answer = {"justified": justified, "by": who, "at": iso(clock.now()), "note": note}
    try:
        rollbacks.answer(record, answer)
    except AnsweredError:
        known = record.fields.get("answer") or {}
        said = f" by {known['by']} at {known['at']}" if known else ""
        refuse(f"the rollback of {state.release_id} was answered{said}")
    word = "justified" if justified else "not justified"
    region.say(f"{state.release_id}: the rollback was {word}, says {who}", answer)


def _document(region: Region, rollbacks: Rollbacks, state: ReleaseState) -> dict[str, Any] | None:
    from canary.aws.athena import Athena, Tables
    from canary.aws.diagnosing import Diagnoser

    athena = Athena(region.client("athena"), Tables("canary", "canary", "events", "event_days"))
    return Diagnoser(athena, rollbacks).document(state)


def _show(document: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPED_WIDTH)
    release, rollback = document["release"], document["rollback"]
    blame = "a strike" if release["strike"] else "no strike"
    console.print(
        f"{release['release_id']} of {release['candidate']}: {release['phase']} at stage "
        f"{release['stage']}, because of {release['cause']} ({blame})"
    )
    console.print(f"asked for by {rollback['source']}: {rollback['detail'] or 'no detail given'}")
    console.print(f"alarms: {', '.join(rollback['alarms'] or ()) or 'none'}")
    console.print(f"traffic was safe at {rollback['shifted_at']}; then:")
    for step, at in sorted(rollback["steps"].items(), key=lambda each: str(each[1])):
        console.print(f"  {at}  {step}")
    if document["events_read"]:
        console.print(_endings(document["endings"]))
        _turns(console, document["turns"])
        if "comparison" in document:
            show_comparison(console, document["comparison"])
    else:
        console.print("the events could not be read; `canary diagnose` may be asked again")
    console.print(_owed(document))


def _endings(rows: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    columns = ("turns", "error", "throttled", "slow", "fallback")
    table = Table("", "arm", "intent", title="turns, an hour before and after", box=None)
    for name in columns:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            *(row["moment"], row["arm"], row["intent"]), *(f"{row[name]:,}" for name in columns)
        )
    return table


def _turns(console: Any, turns: list[dict[str, Any]]) -> None:
    for arm in ("canary", "control"):
        shown = [turn for turn in turns if turn["arm"] == arm][:_SHOWN]
        for turn in shown:
            moment = dt.datetime.fromtimestamp(turn["epoch"], tz=dt.UTC)
            kinds = [name for name in ("error", "throttled", "slow", "fallback") if turn[name]]
            how = ", ".join(kinds) or turn["status"]
            console.print(
                f"{arm} {moment:%H:%M:%S} {turn['conversation_id']} turn {turn['turn']} "
                f"{turn['intent']}: {how}"
            )
            for who, name in (("asked", "question"), ("said", "text")):
                if turn[name]:
                    console.print(f"    {who}: {turn[name][:_LONGEST]}", markup=False)


def _owed(document: dict[str, Any]) -> str:
    """What a person still owes, or the answer that was given."""
    answer, release = document["answer"], document["release"]["release_id"]
    if answer:
        word = "justified" if answer["justified"] else "not justified"
        return f"answered: {word}, by {answer['by']} at {answer['at']}. {answer['note']}".strip()
    return (
        f"wanted by {document['answer_due']}: was it justified? "
        f"`canary diagnose {release} --confirm yes|no --note ...`"
    )
