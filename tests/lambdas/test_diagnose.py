"""What a rollback leaves to read, and the answer that a person owes to it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canary.aws.athena import Athena, QueryError
from canary.aws.rollbacks import Rollbacks, iso
from canary.cli.diagnose import diagnose
from canary.release.model import Cause, Phase
from tests.canary.aws.events import Events
from tests.lambdas.conftest import START
from tests.lambdas.crowds import behind_athena

MINUTE = 60.0
INTENTS = ("faq", "return_request")


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Events:
    """Turns around a rollback at `START`: the canary fails returns, then control answers them."""
    table = behind_athena(monkeypatch)
    always = {"test_id": "t-1", "latency_ms": 900.0, "turn": 1}
    words = {"question": "Where is it? Write to ana@example.com", "text": "Here"}
    for n in range(30):
        about = {"epoch": START - MINUTE * (1 + n / 10), "status": "ok"} | always
        table.add("turn", f"c{n}", f"v{n}", "control", **about, intent=INTENTS[n % 2])
        if n % 2:
            about |= {"error": True, "status": "error", "fallback": True}
        table.add("turn", f"k{n}", f"u{n}", "canary", **(about | words), intent=INTENTS[n % 2])
    faq = always | {"intent": "faq"}
    table.add("turn", "k1", "u1", "canary", epoch=START + MINUTE, **faq)
    table.add("turn", "old", "u9", "canary", epoch=START - 7200, error=True, **faq)
    table.add("turn", "k2", "u2", "canary", epoch=START - 9, error=True, **(faq | {"test_id": "t"}))
    return table


def rolled_back(region: Any) -> None:
    """A release whose rollback moved traffic at `START`."""
    state = region.release()
    ended = {"phase": Phase.ROLLED_BACK, "cause": Cause.CRITICAL_ALARM, "strike": True}
    region.releases.save(state, replace(state, revoked=True, **ended))
    rollbacks = Rollbacks(region.client("dynamodb"), "canary-rollbacks")
    about = {
        "source": "alarm",
        "strike": True,
        "alarms": ["canary-error-60s"],
        "shifted_at": iso(START),
    }
    rollbacks.tick(rollbacks.open("r-1", about), "assignment")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(diagnose, ["--region", "us-east-1", *arguments])


def test_the_diagnosis_says_who_failed_where_and_shows_it(region: Any, events: Events) -> None:
    """Of this test and of these two hours only; the failing turns first, and nobody's name."""
    rolled_back(region)
    result = run("r-1", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    counted = {
        (each["moment"], each["arm"], each["intent"]): (each["turns"], each["error"])
        for each in document["endings"]
    }
    assert counted == {
        ("before", "canary", "faq"): (15, 0),
        ("before", "canary", "return_request"): (15, 15),
        ("before", "control", "faq"): (15, 0),
        ("before", "control", "return_request"): (15, 0),
        ("after", "canary", "faq"): (1, 0),
    }
    shown = [turn for turn in document["turns"] if turn["arm"] == "canary"]
    assert [turn["error"] for turn in shown] == [True] * 15 + [False] * 5
    assert shown[0]["conversation_id"] == "k1"
    assert shown[0]["text"] == "Here"
    assert not any("ana" in str(turn["question"]) for turn in shown)
    assert not any(turn["arm"] == "control" for turn in document["turns"])
    assert document["rollback"]["steps"].keys() == {"assignment"}
    assert document["answer"] is None


def test_the_report_s_function_keeps_it(region: Any, events: Events) -> None:
    """Beside the report, once the execution has ended: events do not stay for ever."""
    rolled_back(region)
    ended = {"detail": {"status": "ABORTED", "input": '{"release_id": "r-1"}'}}
    region.load("report").handler(ended, None)
    stored = region.client("s3").get_object(Bucket="reports", Key="reports/r-1.diagnosis.json")
    assert json.loads(stored["Body"].read()) == json.loads(run("r-1", "--json").stdout)


def test_a_person_reads_it_and_answers_once(region: Any, events: Events) -> None:
    """Whether it was justified is said with a name, and stays as it was said first."""
    rolled_back(region)
    shown = run("r-1")
    assert shown.exit_code == 0, shown.output
    text = " ".join(shown.stdout.split())
    assert "ROLLED_BACK at stage 1, because of critical_alarm (a strike)" in text
    assert "alarms: canary-error-60s" in text
    assert "return_request: error, fallback" in text
    assert "was it justified?" in text
    kept = run("r-1", "--confirm", "yes", "--note", "returns were lost")
    assert kept.exit_code == 0, kept.output
    assert "was justified, says arn:aws:sts:" in kept.stdout
    assert "answered: justified, by arn:aws:sts:" in run("r-1").stdout
    again = run("r-1", "--confirm", "no")
    assert (again.exit_code, "was answered by arn:aws:sts:" in again.stderr) == (1, True)
    document = json.loads(run("r-1", "--json").stdout)
    assert document["answer"]["justified"] is True


def test_without_events_the_rest_is_shown(region: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that fails costs its part, and the page says so."""

    def refuse(_self: Athena, _queries: object) -> None:
        raise QueryError("query q-1: SYNTAX_ERROR")

    monkeypatch.setattr(Athena, "run", refuse)
    rolled_back(region)
    result = run("r-1")
    assert result.exit_code == 0, result.output
    assert "the events could not be read" in result.stdout


def test_what_was_not_rolled_back_is_refused(region: Any) -> None:
    """An unknown release, one that runs, and a note without an answer."""
    assert run("r-1").stderr == "canary: refused: there is no release r-1\n"
    region.release()
    for arguments in (("r-1",), ("r-1", "--confirm", "yes")):
        result = run(*arguments)
        assert result.exit_code == 1
        assert result.stderr == "canary: refused: r-1 was not rolled back: it is BAKING\n"
    assert run("r-1", "--note", "x").exit_code == 2


def test_what_is_owed_grows_older_until_it_is_given(region: Any, events: Events) -> None:
    """The reconciler publishes the oldest; an answer is one of them, the root cause another."""
    rolled_back(region)
    region.clock.time = START + 1800
    region.load("reconcile").handler({}, None)
    assert region.metric("RollbackUnansweredSeconds")[-1] == 1800
    assert region.metric("RootCauseOwedSeconds")[-1] == 1800
    assert run("r-1", "--confirm", "no").exit_code == 0
    region.clock.time = START + 3600
    region.load("reconcile").handler({}, None)
    assert region.metric("RollbackUnansweredSeconds") == [1800]
    assert region.metric("RootCauseOwedSeconds")[-1] == 3600
