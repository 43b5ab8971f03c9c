"""Commands for a release that was rolled back: what it saw, what is owed, what comes next."""

from __future__ import annotations

import json
from pathlib import Path

from canary.aws.rollbacks import Rollbacks
from canary.release.memory import RootCause
from canary.release.restart import moment
from tests.lambdas.conftest import START
from tests.lambdas.runbook.deeds import done, runs
from tests.lambdas.runbook.duty import Duty
from tests.lambdas.runbook.extraction import Command
from tests.lambdas.runbook.on_a_release import at_5

AFTER = "After a rollback"
DAY = 86_400


def rolled_back(duty: Duty) -> None:
    """An alarm took traffic off model-b, whose turns had failed; it is a strike."""
    about = {"epoch": START - 60, "test_id": "t-1", "intent": "faq", "latency_ms": 900.0, "turn": 1}
    words = {"question": "Where is my order?", "text": "Here"}
    failed = about | words | {"error": True, "status": "error"}
    duty.events.add("turn", "k1", "u1", "canary", **failed)
    duty.events.add("turn", "c1", "v1", "control", **about, status="ok")
    entry = duty.region.register()
    at_5(duty)
    duty.region.take(entry)
    alarm = {"alarmName": "canary-critical", "state": {"value": "ALARM", "reason": "errors"}}
    duty.region.load("rollback").handler({"source": "aws.cloudwatch", "alarmData": alarm}, None)
    assert duty.region.record().strike


def kept(duty: Duty) -> dict[str, object]:
    found = Rollbacks(duty.region.client("dynamodb"), "canary-rollbacks").find("r-1")
    assert found is not None
    return dict(found.fields)


def root_cause(duty: Duty) -> RootCause:
    """What was filed for the release."""
    filed = duty.region.memories.past("model-b", duty.region.releases).root_cause("r-1")
    assert filed is not None
    return filed


@runs("canary start CANDIDATE", AFTER)
def start(duty: Duty, command: Command) -> None:
    """Refused: until when the cooldown lasts, and what is missing."""
    rolled_back(duty)
    duty.region.register("t-2")
    said = done(duty, command, status=1).err
    last = duty.region.memories.candidate("model-b").rollbacks[-1].at
    assert moment(last + DAY) in said
    assert "root cause" in said


@runs("canary rca file my-release --document analysis.md", AFTER)
def file(duty: Duty, command: Command) -> None:
    """Kept with its author and its first line."""
    rolled_back(duty)
    Path("analysis.md").write_text("# The quota\n\nof the new model was too low.\n")
    duty.become("ana")
    assert "engineers/ana" in done(duty, command).out
    filed = root_cause(duty)
    assert (filed.summary, filed.approved) == ("The quota", None)


@runs("canary rca review my-release --approve --note quota of the new model; raised", AFTER)
def review(duty: Duty, command: Command) -> None:
    """By somebody else than who filed it; then nothing is owed."""
    rolled_back(duty)
    Path("analysis.md").write_text("# The quota\n")
    duty.become("ana")
    filing = ("canary", "rca", "file", "my-release", "--document", "analysis.md")
    assert duty.run(filing).status == 0
    assert "someone else reviews it" in done(duty, command, status=1).err
    duty.become("ben")
    done(duty, command)
    filed = root_cause(duty)
    assert (filed.approved, filed.note) == (True, "quota of the new model; raised")


@runs("canary diagnose RELEASE", "`rollback-unanswered`", "`root-cause-owed`")
def diagnose(duty: Duty, command: Command) -> None:
    """Alarms of that moment, how turns ended in both arms, and the turns that failed."""
    rolled_back(duty)
    said = " ".join(done(duty, command).out.split())
    assert "alarms: canary-critical" in said
    assert "canary faq 1 1" in said
    assert "control faq 1 0" in said
    assert "asked: Where is my order?" in said


@runs("canary diagnose RELEASE --compare", "`root-cause-owed`")
def compare(duty: Duty, command: Command) -> None:
    """Both models' answers to what the failing conversation had asked."""
    rolled_back(duty)
    said = done(duty, command).out
    assert "model-a says so" in said
    assert "model-b says so" in said
    assert [each["messages"][0]["content"] for each in duty.did("Converse")] == [
        [{"text": "Where is my order?"}]
    ] * 2


@runs("canary diagnose RELEASE --compare --keep", "`root-cause-owed`")
def compare_and_keep(duty: Duty, command: Command) -> None:
    """The object beside the report has them."""
    rolled_back(duty)
    done(duty, command)
    kept = duty.region.client("s3").get_object(Bucket="reports", Key="reports/r-1.diagnosis.json")
    (row,) = json.loads(kept["Body"].read())["comparison"]["prompts"]
    assert row["canary"]["text"] == "model-b says so"


@runs(
    "canary diagnose RELEASE --confirm yes --note quota of the new model", "`rollback-unanswered`"
)
def answer(duty: Duty, command: Command) -> None:
    """Kept with a name, once."""
    rolled_back(duty)
    duty.become("ana")
    done(duty, command)
    said = kept(duty)["answer"]
    assert isinstance(said, dict)
    assert (said["justified"], said["note"]) == (True, "quota of the new model")
    assert said["by"].endswith("/ana")
    done(duty, command, status=1)


@runs("canary ledger", "`rollback-unanswered`")
def ledger(duty: Duty, command: Command) -> None:
    """It names the release whose rollback is meant."""
    rolled_back(duty)
    duty.region.load("reconcile").handler({}, None)
    assert "t-1" in done(duty, command).out
