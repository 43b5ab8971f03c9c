"""The commands for people, against a mocked region."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canary.aws.functions import Function
from canary.cli import operate
from canary.release.model import Cause, Hold, Phase


def run(command: Any, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["--region", "us-east-1", *arguments])


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Functions invoked, by name."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def call(self: Function, event: dict[str, Any]) -> dict[str, Any]:
        calls.append((self._name, event))
        return {"phase": "HELD"}

    monkeypatch.setattr(Function, "call", call)
    monkeypatch.setattr(Function, "start", call)
    return calls


def test_start_gives_the_machine_its_input(region: Any, tmp_path: Path) -> None:
    """The execution is named after the release, and carries the offline scores."""
    scores = tmp_path / "scores.json"
    scores.write_text('{"bert_score": 0.9}')
    region.register("t-1", candidate="model:b/1")
    result = run(operate.start, "model:b/1", "--offline", str(scores), "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    described = region.client("stepfunctions").describe_execution(
        executionArn=answer["execution_arn"]
    )
    assert described["name"] == answer["release_id"]
    data = json.loads(described["input"])
    assert data["candidate"] == "model:b/1"
    assert data["test_id"] == answer["test_id"] == "t-1"
    assert data["offline_evaluation"] == {"bert_score": 0.9}
    assert "follows" not in data


def test_start_in_a_later_wave_says_what_it_follows(region: Any, tmp_path: Path) -> None:
    """Only a person's word brings another candidate than the wave before promoted."""
    scores = tmp_path / "scores.json"
    scores.write_text("{}")
    region.register("t-1", candidate="model-c")
    words = ("--offline", str(scores), "--release-id", "r-1-jp", "--follows", "r-1", "--json")
    result = run(operate.start, "model-c", *words)
    assert result.exit_code == 0, result.output
    described = region.client("stepfunctions").describe_execution(
        executionArn=json.loads(result.stdout)["execution_arn"]
    )
    assert json.loads(described["input"])["follows"] == "r-1"


def test_start_is_refused_while_a_release_is_active(region: Any, tmp_path: Path) -> None:
    """One line, exit 1."""
    region.release()
    scores = tmp_path / "scores.json"
    scores.write_text("{}")
    result = run(operate.start, "model-c", "--offline", str(scores))
    assert result.exit_code == 1
    assert result.stderr == "canary: refused: r-1 is active\n"


def test_status_says_why_a_release_is_held(region: Any) -> None:
    """Phase, stage, model, cause and alarms."""
    hold = Hold(Cause.WARNING, ("canary-harm-csat",), 1.0, Phase.BAKING)
    region.release(phase=Phase.HELD, hold=hold)
    result = run(operate.status)
    assert "HELD at stage 1 (model-b)" in result.stdout
    assert "warning: canary-harm-csat" in result.stdout
    document = json.loads(run(operate.status, "--json").stdout)
    assert document["phase"] == "HELD"
    assert "policy" not in document


def test_status_without_a_release(region: Any) -> None:
    """Nothing active is an answer, an unknown name is refused."""
    assert run(operate.status).stdout == "no release is active\n"
    assert run(operate.status, "r-9").exit_code == 1


def test_hold_and_resume_go_through_the_pause_function(
    region: Any, called: list[tuple[str, dict[str, Any]]]
) -> None:
    """The command changes no record itself."""
    region.release()
    assert run(operate.hold, "--reason", "looking").exit_code == 0
    assert run(operate.resume).exit_code == 1
    ((name, event),) = called
    assert name == "canary-pause"
    assert event == {"source": "operator", "release_id": "r-1", "detail": "looking"}


def test_rollback_calls_the_rollback_function(
    region: Any, called: list[tuple[str, dict[str, Any]]]
) -> None:
    """Without a strike unless asked for."""
    region.release()
    run(operate.rollback, "--reason", "bad answers")
    ((name, event),) = called
    assert name == "canary-rollback"
    assert (event["cause"], event["strike"], event["release_id"]) == ("operator", False, "r-1")
    assert event["detail"].endswith(": bad answers")


@pytest.mark.parametrize("command", [operate.hold, operate.rollback])
def test_without_a_release_there_is_nothing_to_stop(region: Any, command: Any) -> None:
    """Refused, exit 1."""
    result = run(command, "--reason", "x")
    assert (result.exit_code, result.stderr) == (1, "canary: refused: no release is active\n")


def test_a_region_without_canary_is_one_line(region: Any) -> None:
    """A missing table is configuration: exit 2."""
    region.client("dynamodb").delete_table(TableName="canary-releases")
    result = run(operate.status)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
