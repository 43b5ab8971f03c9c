"""`canary evaluate` on real HTTP: the embedded model endpoint answers, the SDK asks it.

Bedrock's evaluation jobs are not run here: the SDK's own stubber checks each request and answer
against the service's model, and the results lie in S3 in the form that AWS documents. The offline
gate's own tests run whole jobs at the embedded endpoint.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from click.testing import CliRunner

from canary.aws import clients
from canary.aws.evaluation_jobs import EvaluationError, read_job, start_job
from canary.cli.evaluate import evaluate
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy
from canary.quality.offline.golden import load_golden

POLICY = Path(__file__).parents[2] / "policy" / "mangaassist.toml"
PROMPTS = load_golden("us-east-1")
ARN = "arn:aws:bedrock:us-east-1:123456789012:evaluation-job/abcdef123456"
ROLE = "arn:aws:iam::123456789012:role/evaluation"
DATASET = {
    "taskType": "Summarization",
    "dataset": {"name": "golden"},
    "metricNames": ["Builtin.Accuracy"],
}
SCENARIO = """
description = "a test"
seed = 3
horizon_minutes = 60
[expect]
outcome = "HELD"
[[phase]]
arm = "control"
hallucination_rate = 0.0
error_rate = 0.0
[[phase]]
arm = "canary"
hallucination_rate = {rate}
error_rate = {errors}
"""


@pytest.fixture
def policy() -> CompiledPolicy:
    """What the region runs: the shipped policy."""
    return compile_policy(load_policy(POLICY), "us-east-1")


@pytest.fixture
def endpoint(
    tmp_path: Path, policy: CompiledPolicy, monkeypatch: pytest.MonkeyPatch, region: Any
) -> Iterator[Any]:
    """Start a model endpoint whose candidate has the given rates; the SDK is led to it."""
    started: list[subprocess.Popen[str]] = []

    def start(*, rate: float = 0.0, errors: float = 0.0) -> None:
        (tmp_path / "test.toml").write_text(SCENARIO.format(rate=rate, errors=errors))
        (tmp_path / "policy.json").write_text(policy.to_json())
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "canary.local.model_endpoint"),
                *("--scenario", str(tmp_path / "test.toml")),
                *("--policy", str(tmp_path / "policy.json")),
                *("--candidate", "model-b"),
            ],
            env={**os.environ, "CANARY_CLOCK": "0:0:600"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url)

    yield start
    for process in started:
        process.kill()
        process.wait()


def run(output: Path, *more: str) -> Any:
    """The command, as JSON."""
    return CliRunner().invoke(evaluate, ["model-b", "--output", str(output), *more, "--json"])


def put_results(region: Any, scores: list[float]) -> None:
    """What a job leaves in S3, a line a prompt, as the user guide has it."""
    lines = [
        json.dumps(
            {
                "automatedEvaluationResult": {
                    "scores": [{"metricName": "Accuracy", "result": score}]
                },
                "inputRecord": {
                    "prompt": prompt.asked,
                    "referenceResponse": prompt.reference,
                    "category": prompt.intent,
                },
                "modelResponses": [{"response": "x", "modelIdentifier": "model-b"}],
            }
        )
        for prompt, score in zip(PROMPTS, scores, strict=False)
    ]
    key = (
        "evaluation/job-1/abcdef123456/models/model-b/taskTypes/Summarization/datasets/golden/"
        "1f_output.jsonl"
    )
    region.client("s3").put_object(Bucket="reports", Key=key, Body="\n".join(lines).encode())


def job(status: str = "Completed", model: str = "model-b") -> tuple[Any, Stubber]:
    """A client of Bedrock that knows one job."""
    client = boto3.client("bedrock", region_name="us-east-1")
    stubber = Stubber(client)
    stubber.add_response(
        "get_evaluation_job",
        {
            "jobName": "job-1",
            "status": status,
            "jobArn": ARN,
            "roleArn": ROLE,
            "jobType": "Automated",
            "evaluationConfig": {"automated": {"datasetMetricConfigs": [DATASET]}},
            "inferenceConfig": {"models": [{"bedrockModel": {"modelIdentifier": model}}]},
            "outputDataConfig": {"s3Uri": "s3://reports/evaluation/"},
            "creationTime": 0,
        },
        {"jobIdentifier": ARN},
    )
    return client, stubber


def test_a_good_candidate_s_scores_pass_with_its_job_and_fail_without(
    region: Any, endpoint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is what `canary start --offline` takes; a missing BERTScore fails the gate."""
    endpoint()
    without = run(tmp_path / "scores.json")
    assert without.exit_code == 1, without.output
    put_results(region, [0.9] * len(PROMPTS))
    client, stubber = job()
    plain = clients.client

    def one(service: str, **more: Any) -> Any:
        return client if service == "bedrock" else plain(service, **more)

    monkeypatch.setattr(clients, "client", one)
    with stubber:
        done = run(tmp_path / "scores.json", "--job", ARN)
    assert done.exit_code == 0, done.output
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["bert_score"] == pytest.approx(0.9)
    assert (scores["domain_accuracy"], scores["hallucination"]) == (1.0, 0.0)
    document = json.loads(done.output)
    assert document["by_intent"]["return_request"] == {"right": 8, "prompts": 8}
    assert document["compared"]["any"]["difference"] == 0


@pytest.mark.parametrize(("rate", "errors"), [(1.0, 0.0), (0.0, 1.0)])
def test_a_candidate_that_invents_or_keeps_silent_gets_no_scores(
    region: Any, endpoint: Any, tmp_path: Path, rate: float, errors: float
) -> None:
    """The command is refused and writes nothing that a release could start with."""
    endpoint(rate=rate, errors=errors)
    result = run(tmp_path / "scores.json")
    assert result.exit_code == 1
    assert "refused: model-b: intent checkout_help: 0 of 6 prompts" in result.output
    assert not (tmp_path / "scores.json").exists()


@pytest.mark.parametrize(
    ("status", "model", "scores", "said"),
    [
        ("InProgress", "model-b", 65, "is InProgress, not Completed"),
        ("Completed", "model-c", 65, "evaluates model-c, not model-b"),
        ("Completed", "model-b", 64, "no score for 1 of 65 prompts"),
    ],
)
def test_a_job_that_is_not_whole_has_no_score(
    region: Any, status: str, model: str, scores: int, said: str
) -> None:
    """Not completed, of another model, or without some prompt's result."""
    put_results(region, [0.9] * scores)
    client, stubber = job(status, model)
    with stubber, pytest.raises(EvaluationError, match=said):
        read_job(client, region.client("s3"), ARN, model_id="model-b", prompts=PROMPTS)


def test_a_job_is_started_on_the_golden_set(region: Any) -> None:
    """The prompts lie where the job is told; the SDK's model accepts the request."""
    client = boto3.client("bedrock", region_name="us-east-1")
    with Stubber(client) as stubber:
        stubber.add_response("create_evaluation_job", {"jobArn": ARN})
        arn = start_job(
            client,
            region.client("s3"),
            name="job-1",
            model_id="model-b",
            role_arn=ROLE,
            bucket="reports",
            prompts=PROMPTS,
        )
    assert arn == ARN
    body = region.client("s3").get_object(Bucket="reports", Key="evaluation/job-1/prompts.jsonl")[
        "Body"
    ]
    records = [json.loads(line) for line in body.read().decode().splitlines()]
    assert [each["prompt"] for each in records] == [each.asked for each in PROMPTS]
    assert all(set(each) == {"prompt", "referenceResponse", "category"} for each in records)
    assert all(each["referenceResponse"] for each in records)
