"""The commands after a rollback, by people whom STS tells apart, against a mocked region."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from canary.cli import operate, restart
from canary.policy.compiled import AntiFlapping
from canary.release.memory import Rollback
from canary.release.model import Phase


@pytest.fixture
def person(region: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Take the credentials of a person: a session of that name."""
    sts = region.client("sts")

    def become(name: str) -> None:
        found = sts.assume_role(
            RoleArn="arn:aws:iam::123456789012:role/engineers", RoleSessionName=name
        )["Credentials"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", found["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", found["SecretAccessKey"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", found["SessionToken"])
        boto3.setup_default_session()

    return become


@pytest.fixture
def struck(region: Any) -> None:
    """A release of model-b that was rolled back with a strike, just now."""
    region.release(phase=Phase.ROLLED_BACK, revoked=True, strike=True)
    region.client("dynamodb").delete_item(
        TableName="canary-releases", Key={"pk": {"S": "LOCK#release"}, "sk": {"S": "LOCK"}}
    )
    strike = Rollback("r-1", region.clock.time, "critical_alarm", strike=True)
    region.memories.remember("model-b", strike, AntiFlapping())


def run(command: Any, *arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(command, [*arguments, "--region", "us-east-1"], input=given)


def file(text: str = "# The quota\n\nof the new model was too low.") -> Result:
    return run(restart.rca, "file", "r-1", "--document", "-", given=text)


def start(region: Any, tmp_path: Path, *more: str) -> Result:
    scores = tmp_path / "scores.json"
    scores.write_text(json.dumps({"bert_score": 0.9, "evaluated_at": region.clock.time + 1}))
    return run(operate.start, "model-b", "--offline", str(scores), "--json", *more)


@pytest.mark.usefixtures("struck")
def test_a_root_cause_is_filed_by_one_and_reviewed_by_another(
    region: Any, person: Callable[[str], None]
) -> None:
    """Nobody reviews what they filed; the text stays with who said what."""
    person("ana")
    filed = file()
    assert filed.exit_code == 0, filed.output
    assert "engineers/ana" in filed.stdout
    assert "(The quota)" in filed.stdout
    own = run(restart.rca, "review", "r-1", "--approve", "--note", "good")
    assert (own.exit_code, "someone else reviews it" in own.stderr) == (1, True)
    person("ben")
    reviewed = run(restart.rca, "review", "r-1", "--approve", "--note", "good", "--json")
    assert reviewed.exit_code == 0, reviewed.output
    shown = json.loads(run(restart.rca, "show", "r-1", "--json").stdout)
    assert shown["document"].startswith("# The quota")
    assert (shown["approved"], shown["note"], shown["candidate"]) == (True, "good", "model-b")
    again = run(restart.rca, "review", "r-1", "--decline", "--note", "no")
    assert "a review is written once" in again.stderr


@pytest.mark.usefixtures("struck")
def test_another_is_filed_only_when_one_was_declined(
    region: Any, person: Callable[[str], None]
) -> None:
    """All of them stay."""
    person("ana")
    file()
    assert file().exit_code == 1
    person("ben")
    run(restart.rca, "review", "r-1", "--decline", "--note", "says nothing")
    assert file("Better").exit_code == 0
    kept = region.memories.past("model-b", region.releases).root_causes
    assert [(each.number, each.approved) for each in kept] == [(1, False), (2, None)]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("file", "r-9", "--document", "-"), 1, "there is no release r-9"),
        (("show", "r-1"), 1, "canary rca file r-1"),
        (("review", "r-1", "--note", "x"), 2, "--approve or --decline"),
    ],
)
@pytest.mark.usefixtures("struck")
def test_a_refusal_says_what_is_missing(arguments: tuple[str, ...], code: int, words: str) -> None:
    """1 refused, 2 usage; nothing is written."""
    result = CliRunner().invoke(restart.rca, [*arguments], input="text")
    assert result.exit_code == code
    assert words in result.output


@pytest.mark.usefixtures("region")
@pytest.mark.parametrize(("text", "words"), [("", "is empty"), ("x" * 102_401, "102,401 bytes")])
def test_a_document_that_cannot_be_kept_is_refused(text: str, words: str) -> None:
    """Usage: before anything is asked."""
    result = file(text)
    assert (result.exit_code, words in result.output) == (2, True)


@pytest.mark.usefixtures("struck")
def test_start_says_until_when_the_cooldown_lasts(region: Any, tmp_path: Path) -> None:
    """At once, and not by an execution that fails."""
    region.register("t-2")
    result = start(region, tmp_path)
    assert result.exit_code == 1
    assert "canary: refused: cooldown: until 2023-11-15 22:13 UTC" in result.stderr
    assert "canary rca file r-1" in result.stderr


@pytest.mark.usefixtures("struck")
def test_two_people_start_all_the_same(
    region: Any, tmp_path: Path, person: Callable[[str], None]
) -> None:
    """One gives leave, the other starts: not the same."""
    region.register("t-2")
    person("ben")
    given = run(restart.override, "model-b", "--reason", "the alarm was wrong", "--json")
    assert json.loads(given.stdout)["reason"] == "the alarm was wrong"
    alone = start(region, tmp_path, "--override-reason", "an outage")
    assert (alone.exit_code, "override: nobody but" in alone.stderr) == (1, True)
    person("ana")
    started = start(region, tmp_path, "--override-reason", "an outage")
    assert started.exit_code == 0, started.output
    described = region.client("stepfunctions").describe_execution(
        executionArn=json.loads(started.stdout)["execution_arn"]
    )
    asked = json.loads(described["input"])["override"]
    assert asked["by"].endswith("engineers/ana")
    assert asked["reason"] == "an outage"


def test_leave_is_given_only_where_a_rollback_stands_in_the_way(region: Any) -> None:
    """No leave in advance."""
    result = run(restart.override, "model-b", "--reason", "x")
    assert (result.exit_code, "no rollback stands" in result.stderr) == (1, True)
