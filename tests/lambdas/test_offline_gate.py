"""The offline gate on real HTTP: jobs are started, run by the embedded models, read and judged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from canary.aws.evaluation_jobs import EvaluationError
from canary.aws.faults import Held, Revoked
from canary.local.behaviour import World
from canary.local.clock import Clock
from canary.local.scenario import load_scenario
from canary.quality.offline.golden import load_golden
from canary.release.model import Cause, Phase
from tests.lambdas.golden_region import MockedFiles, serve

PROMPTS = load_golden("us-east-1")
HOUR = 3600
DAY = 24 * HOUR
QUICK, SLOW = 100_000.0, 0.001
"""Virtual seconds a second: a job is over at once, or does not end in this test."""
SCENARIO = """
description = "a test"
seed = 3
horizon_minutes = 60
[expect]
outcome = "HELD"
[[phase]]
arm = "canary"
hallucination_rate = {rate}
error_rate = {errors}
"""
Start = Callable[..., None]


@pytest.fixture
def bedrock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, region: Any) -> Iterator[Start]:
    """Serve evaluation jobs of models with the given rates; the SDK is led to them."""
    stops: list[Callable[[], None]] = []

    def start(*, rate: float = 0.0, errors: float = 0.0, factor: float = QUICK) -> None:
        path = tmp_path / "test.toml"
        path.write_text(SCENARIO.format(rate=rate, errors=errors))
        world = World(load_scenario(path), region.policy.baseline, candidate="model-b")
        files = MockedFiles(region.client("s3"))
        url, stop = serve(world, Clock.starting_now(factor), files)
        stops.append(stop)
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", url)

    yield start
    for each in stops:
        each()


@pytest.fixture(autouse=True)
def admitted(region: Any) -> None:
    """A release that was just admitted."""
    region.release(phase=Phase.ADMITTED, stage=0)


def gate(region: Any, step: str, release_id: str = "r-1") -> dict[str, Any]:
    answer: dict[str, Any] = region.load("offline_gate").handler(
        {"release_id": release_id, "step": step}, None
    )
    return answer


def wait_for_jobs() -> None:
    """Until Bedrock says of every job that it is over."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if all(job_status(arn) != "InProgress" for arn in job_arns()):
            return
        time.sleep(0.05)
    raise AssertionError("the jobs do not end")


def notes() -> dict[str, dict[str, Any]]:
    """The notes about jobs, by key."""
    s3 = boto3.client("s3", region_name="us-east-1")
    listed = s3.list_objects_v2(Bucket="reports", Prefix="evaluation/jobs/").get("Contents", ())
    return {
        each["Key"]: json.loads(s3.get_object(Bucket="reports", Key=each["Key"])["Body"].read())
        for each in listed
    }


def job_arns() -> list[str]:
    return [note["arn"] for note in notes().values()]


def job_status(arn: str) -> str:
    client = boto3.client("bedrock", region_name="us-east-1")
    return str(client.get_evaluation_job(jobIdentifier=arn)["status"])


def output(region: Any, model: str) -> tuple[str, list[str]]:
    """The key and the lines of a model's results."""
    s3 = region.client("s3")
    found = s3.list_objects_v2(Bucket="reports", Prefix="evaluation/canary-")["Contents"]
    (key,) = (e["Key"] for e in found if f"/models/{model}/taskTypes/Summarization/" in e["Key"])
    body = s3.get_object(Bucket="reports", Key=key)["Body"].read().decode()
    return key, body.splitlines()


def test_both_models_answer_and_a_good_candidate_passes(region: Any, bedrock: Start) -> None:
    """Two jobs on the same prompts; the verdict says what was reached and is kept in S3."""
    bedrock()
    assert gate(region, "start") == {"verdict": "RUNNING", "detail": "", "wait_seconds": 600}
    assert {note["model_id"] for note in notes().values()} == {"model-a", "model-b"}
    wait_for_jobs()
    answer = gate(region, "read")
    assert answer["verdict"] == "PASS", answer
    assert "bert_score 1 >= 0.8: PASS" in answer["detail"]
    kept = json.loads(
        region.client("s3")
        .get_object(Bucket="reports", Key="evaluation/results/r-1.json")["Body"]
        .read()
    )
    assert (kept["verdict"], kept["candidate"], kept["control"]) == ("PASS", "model-b", "model-a")
    assert kept["by_intent"]["return_request"] == {"right": 8, "prompts": 8}
    assert kept["compared"]["any"]["difference"] == 0


def test_the_results_have_the_form_that_aws_documents(region: Any, bedrock: Start) -> None:
    """Path and line of the user guide's page on results of automatic jobs."""
    bedrock()
    gate(region, "start")
    wait_for_jobs()
    key, lines = output(region, "model-b")
    assert key.endswith("_output.jsonl")
    assert "/datasets/golden/" in key
    assert len(lines) == len(PROMPTS)
    record = json.loads(lines[0])
    assert set(record) == {"automatedEvaluationResult", "inputRecord", "modelResponses"}
    assert record["automatedEvaluationResult"]["scores"][0]["metricName"] == "Accuracy"
    assert set(record["inputRecord"]) == {"prompt", "referenceResponse", "category"}
    assert record["modelResponses"][0]["modelIdentifier"] == "model-b"


def test_a_candidate_that_invents_is_rejected_in_a_sentence(region: Any, bedrock: Start) -> None:
    """Metric, intent, scores and limits, and that the control is better."""
    bedrock(rate=1.0)
    gate(region, "start")
    wait_for_jobs()
    answer = gate(region, "read")
    assert answer["verdict"] == "FAIL"
    assert "hallucination 1 <= 0.03: FAIL" in answer["detail"]
    assert "of 8 prompts answered right, at least 50% wanted: FAIL" in answer["detail"]
    assert "worse than the control in right answers: -" in answer["detail"]


def test_a_retry_starts_nothing_twice(region: Any, bedrock: Start) -> None:
    """The state machine may ask again; the answers of one job serve."""
    bedrock()
    gate(region, "start")
    before = notes()
    gate(region, "start")
    assert notes() == before


def test_a_start_whose_note_was_lost_finds_the_job_again(region: Any, bedrock: Start) -> None:
    """The function died between Bedrock's answer and the note: the name is the token."""
    bedrock()
    gate(region, "start")
    before = notes()
    for key in before:
        region.client("s3").delete_object(Bucket="reports", Key=key)
    gate(region, "start")
    assert notes() == before


def test_answers_serve_another_release_for_a_week(region: Any, bedrock: Start) -> None:
    """The same models, policy and prompts; older answers are made anew."""
    bedrock()
    gate(region, "start")
    before = notes()
    region.clock.time += 6 * DAY
    gate(region, "start")
    assert notes() == before
    region.clock.time += 2 * DAY
    gate(region, "start")
    assert {note["attempt"] for note in notes().values()} == {2}


def test_another_policy_asks_anew(region: Any, bedrock: Start) -> None:
    """A result under other rules is no result."""
    bedrock()
    gate(region, "start")
    before = region.record()
    region.releases.save(before, replace(before, policy_digest="f" * 64))
    gate(region, "start")
    assert len(notes()) == 4


def test_a_job_that_runs_is_waited_for(region: Any, bedrock: Start) -> None:
    """Neither a pass nor a fault."""
    bedrock(factor=SLOW)
    gate(region, "start")
    assert gate(region, "read")["verdict"] == "RUNNING"


def no_result(region: Any, said: str) -> None:
    """Read twice, as the state machine does: the same fault, no verdict, nothing kept."""
    for _ in range(2):
        with pytest.raises(EvaluationError, match=said):
            gate(region, "read")
    with pytest.raises(ClientError):
        region.client("s3").get_object(Bucket="reports", Key="evaluation/results/r-1.json")
    assert region.record().phase is Phase.ADMITTED


def test_a_job_that_failed_is_no_verdict_and_is_started_anew(region: Any, bedrock: Start) -> None:
    """The candidate did not answer: held without a strike, and asked again after a resume."""
    bedrock(errors=1.0)
    gate(region, "start")
    wait_for_jobs()
    no_result(region, "is Failed, not Completed model-b did not answer in 3 attempts")
    pause = region.load("pause").handler
    pause({"source": "progression", "release_id": "r-1", "cause": "machinery", "detail": "x"}, None)
    record = region.record()
    assert (record.phase, record.hold.cause, record.strike) == (Phase.HELD, Cause.MACHINERY, False)
    for step in ("start", "read"):
        with pytest.raises(Held):
            gate(region, step)
    pause({"source": "operator", "release_id": "r-1", "resume": True, "by": "ana"}, None)
    assert gate(region, "start")["verdict"] == "RUNNING"
    attempts = {note["model_id"]: note["attempt"] for note in notes().values()}
    assert attempts == {"model-a": 1, "model-b": 2}


def test_a_job_that_was_stopped_is_no_verdict(region: Any, bedrock: Start) -> None:
    """Somebody stopped it in the console."""
    bedrock(factor=SLOW)
    gate(region, "start")
    for arn in job_arns():
        region.client("bedrock").stop_evaluation_job(jobIdentifier=arn)
    no_result(region, "is Stopped, not Completed")


def test_a_job_that_takes_too_long_is_stopped(region: Any, bedrock: Start) -> None:
    """The policy's longest; it goes on costing nothing."""
    bedrock(factor=SLOW)
    gate(region, "start")
    region.clock.time += 6 * HOUR + 1
    no_result(region, "not completed after 6 hours")
    assert "Stopped" in {job_status(arn) for arn in job_arns()}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lines: lines[:-1], "no score for 1 of 65 prompts"),
        (lambda lines: [], "no score for 65 of 65 prompts"),
        (lambda lines: [*lines, "{"], "a result has no score"),
        (lambda lines: [*lines[:-1], '{"inputRecord": {}}'], "a result has no score"),
        (lambda lines: [*lines, lines[0].replace("1.0", "0.5", 1)], "a prompt has two results"),
        (lambda lines: [lines[0].replace("1.0", "NaN", 1), *lines[1:]], "a result has no score"),
    ],
)
def test_part_of_a_result_is_none(
    region: Any, bedrock: Start, spoil: Callable[[list[str]], list[str]], said: str
) -> None:
    """A line that is missing, broken, contradicted, or without a number."""
    bedrock()
    gate(region, "start")
    wait_for_jobs()
    key, lines = output(region, "model-b")
    body = "\n".join(spoil(lines)).encode()
    region.client("s3").put_object(Bucket="reports", Key=key, Body=body)
    no_result(region, said)


def test_a_read_without_a_job_is_no_verdict(region: Any, bedrock: Start) -> None:
    """Whatever became of the note."""
    bedrock()
    no_result(region, "no evaluation job was started")


def test_a_note_that_is_broken_is_no_verdict(region: Any, bedrock: Start) -> None:
    """Its place is named, so that a person can mend it."""
    bedrock()
    gate(region, "start")
    for key in notes():
        region.client("s3").put_object(Bucket="reports", Key=key, Body=b"{}")
    no_result(region, r"s3://reports/evaluation/jobs/\w+.json: names no job")


def test_a_release_that_ended_meanwhile_is_revoked(region: Any, bedrock: Start) -> None:
    """Nothing is started for it."""
    bedrock()
    record = region.record()
    region.releases.save(record, replace(record, phase=Phase.ROLLED_BACK, revoked=True))
    for step in ("start", "read"):
        with pytest.raises(Revoked):
            gate(region, step)
    assert not notes()


def test_bedrock_that_does_not_answer_is_a_fault(region: Any, bedrock: Start) -> None:
    """The SDK's own error goes to the state machine, which tries again and then holds."""
    bedrock()
    gate(region, "start")
    for key, note in notes().items():
        spoilt = note | {"arn": note["arn"][:-12] + "0" * 12}
        region.client("s3").put_object(Bucket="reports", Key=key, Body=json.dumps(spoilt).encode())
    with pytest.raises(ClientError, match="no such evaluation job"):
        gate(region, "read")
