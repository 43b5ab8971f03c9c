"""Simulated releases as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from canary.simulation.summary import OUTCOMES

__all__ = ["show", "show_waves"]

_PIPED_WIDTH = 140


def show(documents: Sequence[Mapping[str, Any]]) -> None:
    """Outcomes with their Monte Carlo error, why releases ended, delays, and targets if any."""
    console = _console()
    table = _table("Of simulated releases (95% Monte Carlo interval)", "world", *OUTCOMES, "days")
    for each in documents:
        days = each["days_to_decision"]["median"]
        table.add_row(each["world"], *(_share(each[name]) for name in OUTCOMES), _number(days))
    console.print(table)
    console.print(_causes(documents))
    if any(each["hours_to_stop"]["n"] for each in documents):
        console.print(_delays(documents))
    if any("targets" in each for each in documents):
        console.print(_targets(documents))
    for each in documents:
        console.print(
            f"{each['world']}: {each['releases']:,} releases in {each['seconds']:.1f} s, "
            f"{each['region']}, seed {each['seed']}, policy {each['policy']} "
            f"(version {each['policy_version'][:12]})"
        )


def show_waves(document: Mapping[str, Any]) -> None:
    """The release over all its regions, then each region."""
    console = _console()
    table = _table(
        f"World {document['world']}, wave after wave", "region", "wave", "reached", *OUTCOMES
    )
    for name, found in document["regions"].items():
        shares = (_share(found[outcome]) for outcome in OUTCOMES)
        table.add_row(name, str(found["wave"]), _share(found["reached"]), *shares)
    table.add_row("everywhere", "", "", *(_share(document[outcome]) for outcome in OUTCOMES))
    console.print(table)
    console.print(
        f"{document['releases']:,} releases in {document['seconds']:.1f} s, seed "
        f"{document['seed']}; a release takes {document['days_to_decision']['median']:.1f} days"
    )


def _causes(documents: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("Why they ended", "world", "outcome: cause", "share")
    for each in documents:
        for name, found in each["causes"].items():
            table.add_row(each["world"], name, _share(found))
    return table


def _delays(documents: Sequence[Mapping[str, Any]]) -> Table:
    table = _table(
        "Stopped for the candidate's own sake, from the fault's onset or the first exposure",
        "world",
        "releases",
        "hours, median",
        "95% within",
        "conversations exposed, median",
    )
    for each in documents:
        hours, exposed = each["hours_to_stop"], each["conversations_exposed"]
        if hours["n"]:
            table.add_row(
                each["world"],
                f"{hours['n']:,}",
                _number(hours["median"]),
                _number(hours["p95"]),
                f"{exposed['median']:,.0f}",
            )
    return table


def _targets(documents: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("Targets", "world", "measure", "target", "reached", "")
    for each in documents:
        for found in each.get("targets", ()):
            table.add_row(
                each["world"],
                found["measure"],
                found["target"],
                _share(found),
                "[green]holds[/]" if found["holds"] else "[bold red]missed[/]",
            )
    return table


def _share(found: Mapping[str, float]) -> str:
    if found["lower"] == found["upper"]:
        return f"{found['estimate']:.4g}"
    return f"{found['estimate']:.4f} ({found['lower']:.4f} to {found['upper']:.4f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED_WIDTH)
