"""How `canary diagnose --compare` shows what both models say, and keeps it when asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from canary.cli.operate import Region, refuse
from canary.cli.stack_outputs import stack_output

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["compared", "keep", "show_comparison"]

_BUCKET = "ReportsBucket"
_LONGEST = 1200
"""Characters of an answer that are shown; JSON has all of them."""


def compared(region: Region, document: dict[str, Any]) -> dict[str, Any]:
    """Ask both models; the command is refused where there is nothing to ask, or nobody answers."""
    from canary.aws.model_comparison import ModelUnreachableError, NothingToCompareError, compare

    release = document["release"]
    if not document["events_read"]:
        refuse("the events could not be read, so there are no conversations to compare")
    try:
        return compare(region.client("bedrock-runtime"), document)
    except NothingToCompareError:
        refuse(f"no turn of a conversation that failed in {release['release_id']} was sampled")
    except ModelUnreachableError as error:
        refuse(
            f"{error}. Is its access granted in {release['region']}, and may you call "
            "bedrock:InvokeModel on it?"
        )


def keep(region: Region, document: dict[str, Any], bucket: str) -> str:
    """Put the diagnosis with its comparison over the one beside the report; where it is now."""
    from canary.aws.clients import region_name
    from canary.aws.reports import Reports

    place = region.name or region_name()
    name = bucket or stack_output(region.client("cloudformation"), place, _BUCKET)
    release_id = document["release"]["release_id"]
    kept = Reports(region.client("s3"), name).write_diagnosis(release_id, document)
    return f"s3://{name}/{kept.key}"


def show_comparison(console: Console, found: dict[str, Any]) -> None:
    """The answers in two columns, a row a prompt."""
    from rich.table import Table
    from rich.text import Text

    models = found["models"]
    table = Table(
        title="asked again, each prompt alone and at temperature 0", box=None, padding=(0, 2, 1, 0)
    )
    for name in ("asked", f"control: {models['control']}", f"canary: {models['canary']}"):
        table.add_column(Text(name), ratio=1, overflow="fold")
    for row in found["prompts"]:
        where = f"{row['arm']} {row['conversation_id']} turn {row['turn']} {row['intent']}"
        answers = (Text(_answer(row[arm])) for arm in ("control", "canary"))
        table.add_row(Text(f"{row['question']}\n({where})"), *answers)
    console.print(table)


def _answer(said: dict[str, Any]) -> str:
    if said["fault"]:
        return f"no answer: {said['fault']}"
    return (said["text"] or "an empty answer")[:_LONGEST]
