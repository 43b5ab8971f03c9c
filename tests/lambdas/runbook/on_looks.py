"""Commands that read what the looks of a release have kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from canary.aws.looks import Looks, pack
from tests.lambdas.conftest import HOUR, START
from tests.lambdas.crowds import crowd
from tests.lambdas.runbook.deeds import done, runs
from tests.lambdas.runbook.duty import Duty
from tests.lambdas.runbook.extraction import Command

WHY = "Why was this decided"
LOOKS = 3


def looked(duty: Duty) -> Looks:
    """A release at 5% with three looks, half an hour apart."""
    region = duty.region
    region.release()
    for arm in ("control", "canary"):
        crowd(duty.events, START - 60, arm, completed=78, count=400)
    decide = region.load("decide").handler
    for _ in range(LOOKS):
        decide({"release_id": "r-1", "stage": 1}, None)
        region.clock.time += HOUR / 2
    return Looks(region.client("s3"), "reports")


@runs("canary explain", "Resume", WHY)
def explain_the_last(duty: Duty, command: Command) -> None:
    """The active release's last look, and its decision made again."""
    looked(duty)
    page = done(duty, command).out
    assert f"look {LOOKS} of {LOOKS}" in page
    assert "replayed: same" in page


@runs("canary explain my-release --all", WHY)
def explain_all(duty: Duty, command: Command) -> None:
    """A line each."""
    looked(duty)
    lines = done(duty, command).out.splitlines()
    assert [line.split()[0] for line in lines] == [str(n + 1) for n in range(LOOKS)]
    assert all("replayed: same" in line for line in lines)


@runs("canary explain my-release --look 3", WHY)
def explain_one(duty: Duty, command: Command) -> None:
    """The one that was asked for."""
    looked(duty)
    assert f"look 3 of {LOOKS}" in done(duty, command).out


@runs("canary explain --file look.json.gz", WHY)
def explain_a_file(duty: Duty, command: Command) -> None:
    """An object on disk needs no region."""
    Path("look.json.gz").write_bytes(pack(looked(duty).read("r-1")[0]))
    duty.region.client("dynamodb").delete_table(TableName="canary-releases")
    page = done(duty, command).out
    assert "model-b against model-a" in page
    assert "replayed: same" in page


def written(said: Any) -> str:
    """The page that a report's command wrote, and says so."""
    assert said.out.startswith("report-r-1.html: ")
    return Path("report-r-1.html").read_text("utf-8")


@runs("canary report --open", "Approve")
def report_and_open(duty: Duty, command: Command) -> None:
    """The active release's page, shown in the browser, its numbers beside it."""
    looked(duty)
    page = written(done(duty, command))
    assert "What to weigh first" in page
    assert duty.pages == [Path("report-r-1.html").resolve().as_uri()]
    assert Path("report-r-1.json").is_file()


@runs("canary report RELEASE", "`report-failed`")
def report(duty: Duty, command: Command) -> None:
    """The page that the function could not write, from the same looks."""
    looked(duty)
    assert "r-1" in written(done(duty, command))
