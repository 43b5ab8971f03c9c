"""`canary watch` against a mocked region whose release moves on between two looks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canary.aws import clock
from canary.cli.watch import Sight, changes, watch
from canary.release.model import Cause, Hold, Phase, ReleaseState


def run(*arguments: str) -> Result:
    return CliRunner().invoke(watch, ["--region", "us-east-1", *arguments])


@pytest.fixture
def story(region: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give it steps: each wait of the command takes the next one."""

    def tell(*steps: Callable[[], None]) -> None:
        left: Iterator[Callable[[], None]] = iter(steps)
        monkeypatch.setattr(clock, "sleep", lambda _seconds: next(left)())

    return tell


def move(region: Any, **to: Any) -> Callable[[], None]:
    """A step that rewrites the record of r-1."""

    def step() -> None:
        before: ReleaseState = region.record()
        region.releases.save(before, replace(before, **to))

    return step


def test_each_change_is_one_line_until_the_end(region: Any, story: Callable[..., None]) -> None:
    """Phase, stage, decision, alarm and its end; nothing is said twice; a rollback exits 1."""
    region.release(phase=Phase.BAKING)
    decision = {"at": 5.0, "decision": "ADVANCE", "reason": "every gate passed"}
    story(
        move(region, stage=2, decisions=(decision,)),
        lambda: None,
        lambda: region.set_alarm("canary-critical", "ALARM"),
        lambda: region.set_alarm("canary-critical", "OK"),
        move(region, phase=Phase.ROLLED_BACK, cause=Cause.CRITICAL_ALARM, strike=True),
    )
    result = run("r-1")
    assert result.exit_code == 1, result.output
    assert [line.partition("  ")[2] for line in result.stdout.splitlines()] == [
        "r-1 of model-b: BAKING at 5%",
        "BAKING at 25%",
        "ADVANCE: every gate passed",
        "alarm canary-critical: ALARM",
        "alarm canary-critical: over",
        "ROLLED_BACK at 25% (critical_alarm (strike))",
    ]


def test_a_program_reads_one_object_a_line(region: Any, story: Callable[..., None]) -> None:
    """The active release by default; a promotion exits 0."""
    region.release(phase=Phase.AWAITING_APPROVAL, stage=3)
    story(move(region, phase=Phase.PROMOTED, stage=4))
    result = run("--json")
    assert result.exit_code == 0, result.output
    first, last = map(json.loads, result.stdout.splitlines())
    assert first["phase"].endswith("AWAITING_APPROVAL at 50%")
    assert last["phase"] == "PROMOTED at 100%"
    assert last["at"].endswith("+00:00")


def test_what_is_not_there_is_refused(region: Any) -> None:
    """No active release, or none of that name."""
    for arguments, why in (((), "no release is active"), (("r-9",), "there is no release r-9")):
        result = run(*arguments)
        assert (result.exit_code, result.stderr) == (1, f"canary: refused: {why}\n")


def test_the_first_look_tells_only_the_last_decision() -> None:
    """What was decided last week is history; why it is held is not."""
    now = Sight(
        release_id="r-1",
        candidate="b",
        phase="HELD",
        percent=25,
        why="warning: canary-harm-csat",
        decisions=((1.0, "EXTEND: early"), (2.0, "HOLD: a warning")),
        raised={"canary-harm-csat": 1.5},
    )
    assert changes(None, now) == [
        ("phase", "r-1 of b: HELD at 25% (warning: canary-harm-csat)"),
        ("decision", "HOLD: a warning"),
        ("alarm", "canary-harm-csat: ALARM"),
    ]
    assert changes(now, now) == []


def test_a_hold_says_why(region: Any, story: Callable[..., None]) -> None:
    """By its cause and its alarms."""
    hold = Hold(Cause.SHARED, ("shared-error",), 1.0, Phase.BAKING)
    region.release(phase=Phase.HELD, hold=hold)
    story(move(region, phase=Phase.PROMOTED, hold=None))
    assert "HELD at 5% (shared: shared-error)" in run().stdout
