"""`canary drill`: break the canary on purpose, where no customer is, and judge the rollback."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click

from canary.cli.operate import Region, in_region, refuse

__all__ = ["drill"]

DRILL = "canary-drill"
_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 1800.0
"""Longer than the function lives, even when it is called once more to clean up."""
_FAILED = 1


@click.command()
@in_region
def drill(region: Region) -> None:
    """Run a fire drill of the rollback and say which step did not work, if one did not.

    The control model is released to itself at 0%: pinned conversations of the drill's own meet it,
    and nobody else. Conversations that the model refuses raise the critical alarm, whose own action
    calls the rollback. The drill then looks whether each step had its effect, puts everything back
    and keeps the figure. It leaves no strike and no cooldown. Takes some minutes; the alarm calls
    the person on call, as it would in earnest.

    Exit status: 0 passed; 1 failed, or skipped because a release is active or the alarm is raised
    already.

    Permissions: lambda:InvokeFunction on canary-drill, dynamodb:GetItem on canary-releases.
    """
    from canary.aws.drills import Drills
    from canary.aws.functions import Function
    from canary.cli.operate import RELEASES_TABLE

    lock = region.releases().lock()
    if lock is not None:
        refuse(f"{lock.release_id} is active: a drill waits for its end")
    name = _name()
    Function(region.client("lambda"), DRILL).start({"drill_id": name})
    if not region.as_json:
        click.echo(f"{name}: started")
    report = _follow(region, Drills(region.client("dynamodb"), RELEASES_TABLE), name)
    region.say(_told(report), report)
    if report["outcome"] != "passed":
        raise click.exceptions.Exit(_FAILED)


def _follow(region: Region, drills: Any, name: str) -> dict[str, Any]:
    """Wait for the report, with a line for each step when a person reads."""
    import time

    until, told = time.monotonic() + _PATIENCE_SECONDS, ""
    while True:
        report: dict[str, Any] | None = drills.find(name)
        if report and report["outcome"] != "running":
            return report
        if report and report["step"] != told and not region.as_json:
            told = str(report["step"])
            click.echo(f"  {told}")
        if time.monotonic() > until:
            refuse(f"{name} has not ended: look into the log /mangaassist/functions/{DRILL}")
        time.sleep(_POLL_SECONDS)


def _told(report: dict[str, Any]) -> str:
    name, outcome, seconds = report["drill_id"], report["outcome"], report["seconds"]
    if outcome == "skipped":
        return f"{name}: skipped: {report['detail']}"
    lines = [f"{name}: {outcome}" + (f" at step {report['step']}" if report["step"] else "")]
    lines += [f"  {step}: {why}" for step, why in report["failures"].items()]
    for title, key in (
        ("fault to alarm", "fault_to_alarm"),
        ("alarm to safe weights", "alarm_to_safe"),
        ("alarm to last canary request", "alarm_to_last_canary_request"),
    ):
        value = seconds[key]
        lines.append(f"  {title}: " + ("never" if value is None else f"{value:.1f} s"))
    return "\n".join(lines)


def _name() -> str:
    from canary.aws import clock

    return f"drill-{dt.datetime.fromtimestamp(clock.now(), tz=dt.UTC):%Y%m%d-%H%M%S}"
