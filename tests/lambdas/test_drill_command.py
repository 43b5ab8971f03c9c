"""`canary drill`: it calls the function, follows the report, and says how it ended."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canary.aws.drills import Drills
from canary.aws.functions import Function
from canary.cli.drill import drill
from canary.release.drill import DrillReport, Step


def run(*arguments: str) -> Result:
    return CliRunner().invoke(drill, ["--region", "us-east-1", *arguments])


@pytest.fixture
def function(region: Any, monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """The drill function: it writes its report with the failures of the list."""
    failed: list[Step] = []
    drills = Drills(region.client("dynamodb"), "canary-releases")

    def start(self: Function, event: dict[str, Any]) -> None:
        assert self._name == "canary-drill"
        report = DrillReport(event["drill_id"], 0.0, step="alarm", fault_at=5.0, alarm_at=95.0)
        drills.write(report)
        report.safe_at = 96.25
        for step in failed:
            report.fail(step, "this is why")
        report.close(150.0)
        drills.write(report)

    monkeypatch.setattr(Function, "start", start)
    return failed


def test_a_drill_that_passes_exits_with_0(region: Any, function: list[Step]) -> None:
    """The document has the seconds."""
    result = run("--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["outcome"] == "passed"
    assert document["seconds"]["alarm_to_safe"] == 1.25
    assert "alarm to safe weights: 1.2 s" in run().stdout


def test_a_drill_that_fails_exits_with_1_and_names_the_step(
    region: Any, function: list[Step]
) -> None:
    """With what was seen of it."""
    function.append(Step.WEIGHTS)
    result = run("--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["step"] == "weights"
    told = run().stdout
    assert "failed at step weights" in told
    assert "weights: this is why" in told


def test_a_drill_is_refused_while_a_release_is_active(region: Any, function: list[Step]) -> None:
    """Nothing is called."""
    region.release()
    result = run()
    assert result.exit_code == 1
    assert "r-1 is active" in result.stderr
