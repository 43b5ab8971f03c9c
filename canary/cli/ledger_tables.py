"""The ledger as tables on the terminal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from canary.cli.register import RULES, level_words
from canary.ledger.review import Account, Line, Review
from canary.policy.compiled import CompiledPolicy

__all__ = ["print_accounts", "print_review"]

_PIPED_WIDTH = 160
_COLUMNS = (
    *("#", "test", "candidate", "started", "ended", "state", "level", "p", "LORD++"),
    *("BH-adjusted p", "wealth before"),
)


def print_accounts(policy: CompiledPolicy, accounts: Sequence[Account]) -> None:
    """Print each family's tests, oldest first, and what the next one would find."""
    console = _console()
    for account in accounts:
        family = account.family.replace("_", "-")
        title = f"{policy.region}: {family} tests, q {account.q:g} by {RULES[policy.ledger.fdr]}"
        console.print(_table(title, account.lines))
        following = account.following
        console.print(
            f"{len(account.lines)} tests, {account.discoveries} discoveries. The next one: "
            f"LORD++ {following.lord:.3g}; alpha investing {following.alpha_investing:.3g} of "
            f"wealth {following.wealth:.3g}\n"
        )


def print_review(policy: CompiledPolicy, review: Review) -> None:
    """Print what was settled in the period, and which discoveries have become doubtful."""
    console = _console()
    period = f"{_day(review.since)} to {_day(review.until)}"
    console.print(_table(f"{policy.region}: settled from {period}", review.settled))
    console.print(
        f"{review.discoveries} discoveries, of which at most {review.expected_false:.2g} are "
        "false on average."
    )
    if not review.risen:
        console.print("No discovery's adjusted p-value has risen above its q.")
        return
    console.print("Doubtful by now; the decisions stand:")
    for line in review.risen:
        console.print(
            f"  {line.entry.test_id}: adjusted p {line.adjusted_then:.3g} when it was settled, "
            f"{line.adjusted_now:.3g} now, q {line.entry.q:g}"
        )


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED_WIDTH)


def _table(title: str, lines: Sequence[Line]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    for line in lines:
        entry = line.entry
        settled = entry.settlement
        adjusted = _number(line.adjusted_now)
        table.add_row(
            str(entry.number),
            entry.test_id,
            entry.registration.candidate,
            _day(entry.started_at),
            _day(settled.at if settled else None),
            entry.state,
            level_words(entry),
            _number(settled.p if settled else None),
            {None: "-", True: "rejects", False: "does not"}[line.passes_lord],
            f"{adjusted}{' RISEN' if line.risen else ''}",
            _number(entry.wealth),
        )
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _day(epoch: float | None) -> str:
    if epoch is None:
        return "-"
    return dt.datetime.fromtimestamp(epoch, tz=dt.UTC).strftime("%Y-%m-%d")
