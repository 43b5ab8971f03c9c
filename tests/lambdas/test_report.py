"""The function that writes reports: what it writes, for whom, and what may be missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from canary.aws.athena import Athena, QueryError
from canary.aws.looks import Looks
from canary.aws.rollbacks import Rollbacks
from canary.cli.report import report
from canary.decision.engine import evaluate
from canary.decision.record import LookRecord
from canary.release.model import Cause
from tests.canary.decision.looks import cells, facts
from tests.lambdas.conftest import START
from tests.lambdas.crowds import behind_athena, crowd

HOUR = 3600.0


@pytest.fixture(autouse=True)
def fonts(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path_factory.getbasetemp() / "matplotlib"))


def stored(region: Any, name: str, version: str | None = None) -> tuple[str, str]:
    """An object of the reports' bucket with its type."""
    more = {"VersionId": version} if version else {}
    answer = region.client("s3").get_object(Bucket="reports", Key=f"reports/{name}", **more)
    return answer["Body"].read().decode(), answer["ContentType"]


def with_look(region: Any, **changes: Any) -> LookRecord:
    """A release at 5% with one look over customers of every intent."""
    state = region.release(**changes)
    known = facts(START, cells(20_000, of=region.policy))
    decision = evaluate(region.policy, state, known, asked_stage=1)
    record = LookRecord(state, known, 1, decision.to_exact_dict())
    Looks(region.client("s3"), "reports").write(record)
    return record


def write(region: Any, event: dict[str, Any] | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = region.load("report").handler(event or {"release_id": "r-1"}, None)
    return answer


def test_page_and_numbers_are_written_and_the_page_s_version_is_the_answer(
    region: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pipeline shows exactly the page that was written; its numbers lie beside it."""
    events = behind_athena(monkeypatch)
    crowd(events, START - 2 * HOUR, "control", completed=78, count=200)
    crowd(events, START - 2 * HOUR, "canary", completed=80, count=200)
    record = with_look(region)
    answer = write(region)
    page, kind = stored(region, "r-1.html", answer["version"])
    assert answer["key"] == "reports/r-1.html"
    assert kind == "text/html; charset=utf-8"
    numbers, kind = stored(region, "r-1.json")
    document = json.loads(numbers)
    assert kind == "application/json"
    assert document["release"]["last_look_at"] == record.facts.as_of
    assert document["verdict"]["sentence"] in page
    assert [row["conversations"] for row in document["exclusions"]["arms"]] == [200, 200]


def test_a_report_without_its_events_is_written_all_the_same(
    region: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A query that fails costs its part of the page, and the log says why."""

    def refuse(_self: Athena, _queries: object) -> None:
        raise QueryError("query q-1: SYNTAX_ERROR")

    monkeypatch.setattr(Athena, "run", refuse)
    with_look(region)
    write(region)
    page, _ = stored(region, "r-1.html")
    assert "The events were not read for this report." in page
    assert "query q-1: SYNTAX_ERROR" in capsys.readouterr().out


def test_a_rolled_back_release_is_cut_at_its_rollback(
    region: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What customers did after traffic went back belongs to no arm's figures."""
    events = behind_athena(monkeypatch)
    crowd(events, START - HOUR, "canary", completed=50, count=100)
    crowd(events, START + HOUR, "canary", completed=50, count=100)
    with_look(region, revoked=True, cause=Cause.CRITICAL_ALARM)
    region.clock.time = START + 2 * HOUR
    rollback = {"shifted_at": "2023-11-14T22:43:20.000000+00:00"}  # half an hour after START
    Rollbacks(region.client("dynamodb"), "canary-rollbacks").open("r-1", rollback)
    ended = {"detail": {"status": "ABORTED", "input": '{"release_id": "r-1"}'}}
    write(region, ended)
    document = json.loads(stored(region, "r-1.json")[0])
    assert document["verdict"]["kind"] == "rolled_back"
    assert "a critical alarm" in document["verdict"]["sentence"]
    assert [row["conversations"] for row in document["exclusions"]["arms"]] == [100]


def test_a_person_makes_the_same_report_by_hand(
    region: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`canary report` reads what the function reads, half-way through a release too."""
    events = behind_athena(monkeypatch)
    crowd(events, START - 2 * HOUR, "control", completed=78, count=200)
    crowd(events, START - 2 * HOUR, "canary", completed=80, count=200)
    with_look(region)
    write(region)
    place = tmp_path / "r.html"
    asked = ["--region", "us-east-1", "--bucket", "reports", "--output", str(place)]
    done = CliRunner().invoke(report, asked)
    assert done.exit_code == 0, done.output
    assert json.loads(place.with_suffix(".json").read_text()) == json.loads(
        stored(region, "r-1.json")[0]
    )
    assert place.read_text() == stored(region, "r-1.html")[0]


def test_an_execution_that_was_never_admitted_has_no_report(region: Any) -> None:
    """Its end is announced like any other; there is nothing to tell, and that is no error."""
    ended = {"detail": {"status": "FAILED", "input": '{"release_id": "refused"}'}}
    assert write(region, ended) == {"key": None, "version": None}
    listed = region.client("s3").list_objects_v2(Bucket="reports", Prefix="reports/")
    assert listed["KeyCount"] == 0
