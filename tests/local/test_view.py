"""What a person sees of a run in a terminal, and what a log file gets."""

from __future__ import annotations

import io

from rich.console import Console

from canary.local.status import AlarmLine, DecisionLine, RunStatus
from canary.local.view import View, _panel


def a_run() -> RunStatus:
    """A run at 25% with one alarm raised among many."""
    run = RunStatus("good", "A better candidate.", 60.0, "PROMOTED", virtual_minutes=17.5)
    run.phase, run.stage_percent, run.asked_share, run.observed_share = "BAKING", 25, 0.25, 0.247
    run.customers = {"conversations": 900, "turns": 1600, "errors": 4}
    run.alarms = [AlarmLine(f"quiet-{index}", "OK", 0.0, "") for index in range(20)]
    run.alarms.append(AlarmLine("canary-critical", "ALARM", 17.1, "why"))
    run.decisions = [DecisionLine(16.0, "ADVANCE", "Every gate of the stage holds.")]
    return run


def test_the_panel_shows_stage_shares_arms_alarms_and_decisions() -> None:
    """Each table with its headings; what is in ALARM is never cut off."""
    console = Console(width=110, file=io.StringIO(), record=True)
    console.print(_panel(a_run()))
    shown = console.export_text()
    for words in (
        "BAKING   stage 25%",
        "asked 25.0%   observed 24.7%",
        "error rate    slow rate",
        "canary-critical",
        "Every gate of the stage holds.",
        "expected PROMOTED",
    ):
        assert words in shown


def test_a_file_gets_each_event_once_and_no_panel() -> None:
    """No control characters, no repetition, no break inside a long line."""
    out, run = io.StringIO(), a_run()
    long = "begun " * 40 + "well"
    with View(out) as view:
        view.say(long)
        run.happened("stage 25%")
        view.update(run)
        view.update(run)
    assert out.getvalue() == f"{long}\n   17.5 min  stage 25%\n"
