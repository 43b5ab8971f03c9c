"""A look as a page on the terminal: the decision, its verdicts and rules, and what comes next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from canary.decision.outlook import moment, outlook
from canary.decision.replay import Difference, Replayed

if TYPE_CHECKING:
    from canary.cli.explain import Explained

__all__ = ["print_line", "print_page"]

_PIPED_WIDTH = 160
_COLOURS = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow"}
_GATES = {
    "must_pass": "must pass",
    "must_not_fail": "must not fail",
    "test": "the test",
    "observed": "only observed",
}
_MOST_DIFFERENCES = 20


def print_page(look: Explained) -> None:
    """Print one look in full."""
    console, record = _console(), look.record
    state, decision = record.state, record.decision
    entered = "" if look.entered is not False else "; it never entered the release's record"
    console.print(
        f"[bold]{escape(state.release_id)}[/]: {escape(state.candidate)} against "
        f"{escape(state.control)} in {state.region}\n"
        f"look {look.number} of {look.count}, stage {decision['stage']}, "
        f"{moment(record.facts.as_of)}{entered}\n"
    )
    console.print(f"[bold]{decision['decision']}[/]: {escape(decision['reason'])}\n")
    if decision["verdicts"]:
        console.print(_verdicts(decision["verdicts"]))
        _print_open(console, decision["verdicts"])
    console.print(_rules(decision["rules"]))
    console.print("[bold]What would change it next[/]")
    for sentence in outlook(record):
        console.print(f"  {escape(sentence)}")
    console.print(f"\n{_replayed(look)}")
    _print_differences(console, look.replay.differences)


def print_line(look: Explained) -> None:
    """Print one look as a line, and below it where its replay differs."""
    console, decision = _console(), look.record.decision
    entered = "" if look.entered is not False else " (never entered the record)"
    console.print(
        f"{look.number:>4}  {moment(look.record.facts.as_of)}  stage {decision['stage']}  "
        f"[bold]{decision['decision']:<8}[/]  {_replayed(look)}{entered}  "
        f"{escape(decision['reason'])}",
        overflow="ellipsis",
        no_wrap=True,
    )
    _print_differences(console, look.replay.differences)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED_WIDTH)


def _verdicts(verdicts: Iterable[Mapping[str, Any]]) -> Table:
    table = _table("Verdicts")
    for name in ("gate", "metric", "scope", "effect", "from", "to", "limit"):
        table.add_column(name, justify="right" if name in ("effect", "from", "to") else "left")
    table.add_column("control / canary", justify="right")
    table.add_column("verdict")
    for each in verdicts:
        unit = each["unit"]
        table.add_row(
            _GATES.get(each["gate"], each["gate"]),
            each["metric"],
            each["scope"],
            *(_number(each[name], unit) for name in ("estimate", "lower", "upper", "limit")),
            f"{each['n_control']:,.0f} / {each['n_canary']:,.0f}",
            f"[{_COLOURS[each['verdict']]}]{each['verdict']}[/]",
        )
    return table


def _print_open(console: Console, verdicts: Iterable[Mapping[str, Any]]) -> None:
    """In words: what is not proved, and what the test and the observed metrics say."""
    told = [each for each in verdicts if each["verdict"] != "PASS" or each["gate"] == "test"]
    if told:
        console.print("[bold]In words[/]")
    for each in told:
        console.print(f"  {escape(each['sentence'])}.")
    console.print()


def _rules(rules: Iterable[Mapping[str, Any]]) -> Table:
    table = _table("Rules, in the order in which they were applied")
    for name in ("rule", "outcome", "read"):
        table.add_column(name, overflow="fold")
    for rule in rules:
        inputs = ", ".join(f"{name} {_plain(value)}" for name, value in rule["inputs"].items())
        table.add_row(rule["name"], escape(str(rule["outcome"])), escape(inputs))
    return table


def _replayed(look: Explained) -> str:
    match look.replay.outcome:
        case Replayed.SAME:
            return "[green]replayed: same[/]"
        case Replayed.ROUNDING:
            return "[green]replayed: same[/] but for the last digits, as on another processor"
        case Replayed.DIFFERS:
            count = sum(not each.rounding for each in look.replay.differences)
            return f"[red]replayed: differs in {count} place{'' if count == 1 else 's'}[/]"


def _print_differences(console: Console, differences: tuple[Difference, ...]) -> None:
    told = [each for each in differences if not each.rounding]
    for each in told[:_MOST_DIFFERENCES]:
        console.print(
            f"  {escape(each.path)}: kept {escape(repr(each.kept))}, now {escape(repr(each.made))}"
        )
    if len(told) > _MOST_DIFFERENCES:
        console.print(f"  and {len(told) - _MOST_DIFFERENCES} more; --json has them all")


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)


def _number(value: float | None, unit: str) -> str:
    if value is None or not math.isfinite(value):
        return "-"
    if unit == "points":
        return f"{100 * value:+.2f} points"
    if unit == "relative":
        return f"{100 * value:+.2f}%"
    return f"{value:+.4g}" if unit == "score" else f"{value:.4g}"


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "-" if value is None else str(value)
