"""The terminal's view of a run: a live panel on a terminal, one line for each event elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from canary.local.status import RunStatus

__all__ = ["View"]

_STATE_STYLES = {"OK": "green", "ALARM": "bold red", "INSUFFICIENT_DATA": "dim"}
_PHASE_STYLES = {
    "PROMOTED": "bold green",
    "ROLLED_BACK": "bold red",
    "REJECTED": "bold red",
    "HELD": "bold yellow",
}
_SHOWN_ALARMS = 9
_SHOWN_EVENTS = 7


class View:
    """Shows a `RunStatus`: call `update` after each change, use as a context manager."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False)
        self._live = (
            Live(console=self._console, refresh_per_second=4, transient=True)
            if self._console.is_terminal
            else None
        )
        self._printed = 0

    def __enter__(self) -> Self:
        """Start the live panel."""
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the live panel; what was printed stays."""
        if self._live:
            self._live.stop()

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._print(text)

    def _print(self, text: str) -> None:
        """A terminal breaks long lines between words; a file keeps one event on one line."""
        self._console.print(Text(text), soft_wrap=not self._console.is_terminal)

    def update(self, status: RunStatus) -> None:
        """Show the status: the whole panel on a terminal, the new events elsewhere."""
        for line in status.timeline[self._printed :]:
            self._print(f"{line.minute:7.1f} min  {line.text}")
        self._printed = len(status.timeline)
        if self._live:
            self._live.update(_panel(status))


def _panel(status: RunStatus) -> Panel:
    head = Table.grid(expand=True, padding=(0, 2))
    head.add_column()
    head.add_column(justify="right")
    observed = "-" if status.observed_share is None else f"{status.observed_share:.1%}"
    head.add_row(
        Text.assemble(
            (status.phase, _PHASE_STYLES.get(status.phase, "bold cyan")),
            f"   stage {status.stage_percent:g}%",
        ),
        f"asked {status.asked_share:.1%}   observed {observed}   "
        f"{status.virtual_minutes:.1f} virtual min (x{status.clock_factor:g})",
    )
    # A bar ends without a line break; in a table it gets one.
    bar = Table.grid(expand=True)
    bar.add_row(ProgressBar(total=100, completed=status.stage_percent))
    parts = (head, bar, _arms(status))
    return Panel(
        Group(*parts, _alarms(status), _decisions(status)),
        title=f"canary local - {status.scenario}",
        subtitle=f"expected {status.expected}",
    )


def _arms(status: RunStatus) -> Table:
    table = Table(box=None, padding=(0, 2))
    for name in ("arm", "attempts", "errors", "error rate", "slow rate"):
        table.add_column(name, justify="left" if name == "arm" else "right")
    for name, arm in status.arms.items():
        table.add_row(
            name,
            f"{arm.requests:,}",
            f"{arm.errors:,}",
            _rate(arm.error_rate),
            _rate(arm.slow_rate),
        )
    customers = status.customers
    table.add_row(
        "customers",
        f"{customers['turns']:,} turns",
        f"{customers['errors']:,}",
        f"{customers['conversations']:,} conversations",
        "",
    )
    return table


def _alarms(status: RunStatus) -> Table:
    table = Table(box=None, padding=(0, 2))
    for name in ("alarm", "state", "since"):
        table.add_column(name)
    worst = sorted(status.alarms, key=lambda each: (each.state != "ALARM", each.state == "OK"))
    for alarm in worst[:_SHOWN_ALARMS]:
        style = _STATE_STYLES.get(alarm.state, "")
        table.add_row(alarm.name, Text(alarm.state, style), f"{alarm.since_minute:.1f} min")
    return table


def _decisions(status: RunStatus) -> Table:
    table = Table(box=None, padding=(0, 2))
    for name in ("minute", "decision", "reason"):
        table.add_column(name)
    for line in status.decisions[-_SHOWN_EVENTS:]:
        table.add_row(f"{line.minute:.1f}", line.kind, line.reason)
    return table


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
