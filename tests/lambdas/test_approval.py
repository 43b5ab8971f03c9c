"""Asking a person through the pipeline, and what each answer does to the release."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canary.aws.approvals import Approvals
from canary.aws.executions import Executions
from canary.aws.pipelines import Answer, Pending, PromotionPipeline
from canary.aws.records import Releases
from canary.cli import approval, operate
from canary.release.model import Phase
from canary.routing.weights import ALL_ON_CANARY, ALL_ON_PRIMARY


@dataclass
class Pipeline:
    """CodePipeline as a test wants it: what was asked of it, and what it says."""

    started: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    answers: list[tuple[Any, ...]] = field(default_factory=list)
    results: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    waiting: Pending | None = None
    said: Answer | None = None


@pytest.fixture
def pipeline(region: Any, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """The API's calls, intercepted below the adapters where they decide something."""
    import botocore.client

    made = Pipeline()
    original = botocore.client.BaseClient._make_api_call

    def call(self: Any, operation: str, asked: dict[str, Any]) -> Any:
        if self.meta.service_model.service_name != "codepipeline":
            return original(self, operation, asked)
        match operation:
            case "StartPipelineExecution":
                made.started.append(asked)
                return {"pipelineExecutionId": f"execution-{len(made.started)}"}
            case "ListPipelineExecutions":
                known = [
                    {"pipelineExecutionId": f"execution-{number}", "status": "InProgress"}
                    for number in range(1, len(made.started) + 1)
                ]
                return {"pipelineExecutionSummaries": known}
            case "StopPipelineExecution":
                made.stopped.append(asked["pipelineExecutionId"])
                return {}
            case "PutJobSuccessResult" | "PutJobFailureResult":
                made.results.append((operation, asked))
                return {}
        raise AssertionError(operation)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    monkeypatch.setattr(PromotionPipeline, "pending", lambda _self: made.waiting)
    monkeypatch.setattr(PromotionPipeline, "answer_of", lambda _self, _execution: made.said)
    monkeypatch.setattr(PromotionPipeline, "answer", lambda _self, *told: made.answers.append(told))
    return made


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Answers that reached the progression."""
    sent: list[tuple[Any, ...]] = []

    def answered(_self: Executions, *told: Any) -> bool:
        sent.append(told)
        return True

    monkeypatch.setattr(Executions, "succeed", answered)
    monkeypatch.setattr(Executions, "fail", answered)
    return sent


def approvals(region: Any) -> Approvals:
    return Approvals(region.client("dynamodb"), "canary-releases")


def ask(region: Any, token: str = "token-1") -> None:
    handler = region.load("await_approval").handler
    handler({"release_id": "r-1", "task_token": token}, None)


def job(release_id: str = "r-1", execution_id: str = "execution-1") -> dict[str, Any]:
    asked = json.dumps({"release_id": release_id, "execution_id": execution_id})
    configuration = {"FunctionName": "canary-confirm-approval", "UserParameters": asked}
    data = {"actionConfiguration": {"configuration": configuration}}
    return {"CodePipeline.job": {"id": "job-1", "accountId": "1", "data": data}}


def ended(state: str, execution_id: str = "execution-1") -> dict[str, Any]:
    detail = {"pipeline": "promotion", "execution-id": execution_id, "state": state}
    return {"source": "aws.codepipeline", "detail": detail}


def test_the_pipeline_is_started_with_the_report_s_own_version(
    region: Any, pipeline: Pipeline
) -> None:
    """What a person reads is what the progression wrote, and its key and version say so."""
    region.release(stage=3)
    ask(region)
    (started,) = pipeline.started
    assert started["name"] == "promotion"
    assert started["variables"] == [{"name": "release_id", "value": "r-1"}]
    revisions = {each["revisionType"]: each["revisionValue"] for each in started["sourceRevisions"]}
    report = region.client("s3").get_object(
        Bucket="reports",
        Key=revisions["S3_OBJECT_KEY"],
        VersionId=revisions["S3_OBJECT_VERSION_ID"],
    )
    page = report["Body"].read().decode()
    assert "r-1: may model-b take all traffic?" in page
    assert report["ContentType"] == "text/html; charset=utf-8"
    assert region.record().phase is Phase.AWAITING_APPROVAL
    question = approvals(region).find("r-1")
    assert question is not None
    assert (question.task_token, question.execution_id) == ("token-1", "execution-1")


def test_the_report_that_was_written_is_the_one_shown(region: Any, pipeline: Pipeline) -> None:
    """The progression hands over key and version; nothing is written a second time."""
    region.release(stage=3)
    report = {"key": "reports/r-1.html", "version": "v7"}
    event = {"release_id": "r-1", "task_token": "token-1", "report": report}
    region.load("await_approval").handler(event, None)
    (started,) = pipeline.started
    values = [each["revisionValue"] for each in started["sourceRevisions"]]
    assert values == ["reports/r-1.html", "v7"]
    listed = region.client("s3").list_objects_v2(Bucket="reports")
    assert listed["KeyCount"] == 0


def test_a_report_that_failed_leaves_the_record_s_own_page(region: Any, pipeline: Pipeline) -> None:
    """A person is asked all the same, and told how to get the whole report."""
    region.release(stage=3)
    fault = {"Error": "States.Timeout", "Cause": "too slow"}
    event = {"release_id": "r-1", "task_token": "token-1", "report": fault}
    region.load("await_approval").handler(event, None)
    page = region.client("s3").get_object(Bucket="reports", Key="reports/r-1.html")["Body"].read()
    assert b"may model-b take all traffic?" in page
    assert b"`canary report` makes it" in page
    assert len(pipeline.started) == 1


def test_asking_again_withdraws_the_first_question(region: Any, pipeline: Pipeline) -> None:
    """Executions queue: one that nobody waits for would block the next for a week."""
    region.release(stage=3)
    ask(region, "one")
    ask(region, "two")
    assert pipeline.stopped == ["execution-1"]
    question = approvals(region).find("r-1")
    assert question is not None
    assert (question.task_token, question.execution_id) == ("two", "execution-2")
    requests = {each["clientRequestToken"] for each in pipeline.started}
    assert len(requests) == 2


def test_an_approval_returns_the_token_with_who_gave_it(
    region: Any, pipeline: Pipeline, tokens: list[tuple[Any, ...]]
) -> None:
    """The pipeline's last action lets the progression go on, then ends well."""
    region.release(stage=3)
    ask(region)
    pipeline.said = Answer("arn:kim", "read it")
    answer = region.load("confirm_approval").handler(job(), None)
    assert answer == {"confirmed": True}
    assert tokens == [("token-1", {"approved_by": "arn:kim", "summary": "read it"})]
    assert pipeline.results == [("PutJobSuccessResult", {"jobId": "job-1"})]


def test_the_record_has_the_approval_before_the_progression_hears_of_it(
    region: Any, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who, when and in which execution; a call that dies after it says all of it again."""
    region.release(stage=3)
    ask(region)
    pipeline.said = Answer("arn:kim", "read it")
    seen: list[tuple[str, float | None]] = []

    def answered(_self: Executions, *_told: Any) -> bool:
        record = region.record()
        seen.append((record.approved_by, record.approved_at))
        if len(seen) == 1:
            raise ConnectionError
        return True

    monkeypatch.setattr(Executions, "succeed", answered)
    with pytest.raises(ConnectionError):
        region.load("confirm_approval").handler(job(), None)
    region.clock.time += 60
    assert region.load("confirm_approval").handler(job(), None) == {"confirmed": True}
    assert seen == [("arn:kim", region.clock.time - 60)] * 2
    assert region.record().asked_in == "execution-1"
    assert sum("approved" in each for each in region.messages()) == 2
    assert "approved by arn:kim" in run(operate.status).stdout


def test_a_record_that_moved_on_is_read_again_before_it_is_approved(
    region: Any,
    pipeline: Pipeline,
    tokens: list[tuple[Any, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The write is conditional: of an approval and a rollback at once the rollback stays."""
    region.release(stage=3)
    ask(region)
    save = Releases.save

    def overtaken(self: Releases, before: Any, after: Any) -> Any:
        monkeypatch.setattr(Releases, "save", save)
        region.releases.save(before, replace(before, phase=Phase.ROLLED_BACK, revoked=True))
        return save(self, before, after)

    monkeypatch.setattr(Releases, "save", overtaken)
    assert region.load("confirm_approval").handler(job(), None) == {"confirmed": False}
    ((_, result),) = pipeline.results
    assert "r-1 is over" in result["failureDetails"]["message"]
    assert (region.record().phase, region.record().approved_at) == (Phase.ROLLED_BACK, None)
    assert tokens == []


def test_without_the_record_s_approval_no_promotion_is_ordered(
    region: Any, pipeline: Pipeline, tokens: list[tuple[Any, ...]]
) -> None:
    """The step itself refuses, whoever called it; with the approval it goes."""
    region.release(stage=3)
    ask(region)
    promote = region.load("promote")
    order = {"release_id": "r-1", "step": "shift_to_canary"}
    with pytest.raises(promote.NotReady, match="the release is AWAITING_APPROVAL"):
        promote.handler(order, None)
    assert region.weights() == ALL_ON_PRIMARY
    region.load("confirm_approval").handler(job(), None)
    assert promote.handler(order, None) == {"done": True}
    assert region.weights() == ALL_ON_CANARY


def test_an_approval_of_a_release_that_was_denied_meanwhile_fails_its_job(
    region: Any, pipeline: Pipeline, tokens: list[tuple[Any, ...]]
) -> None:
    """Its time was over for the progression, and not yet for the pipeline."""
    region.release(stage=3)
    ask(region)
    late = {"source": "progression", "release_id": "r-1", "cause": "approval", "detail": "late"}
    region.load("pause").handler(late, None)
    assert region.load("confirm_approval").handler(job(), None) == {"confirmed": False}
    ((_, result),) = pipeline.results
    assert "does not ask this any more, it is HELD" in result["failureDetails"]["message"]
    assert tokens == []


@pytest.mark.parametrize(
    ("asked", "why"),
    [(job("r-9"), "never asked"), (job(execution_id="execution-0"), "asked again")],
)
def test_an_approval_of_a_question_that_does_not_stand_fails_its_job(
    region: Any,
    pipeline: Pipeline,
    tokens: list[tuple[Any, ...]],
    asked: dict[str, Any],
    why: str,
) -> None:
    """An old execution that somebody approves late promotes nothing."""
    region.release(stage=3)
    ask(region)
    assert region.load("confirm_approval").handler(asked, None) == {"confirmed": False}
    ((operation, result),) = pipeline.results
    assert operation == "PutJobFailureResult"
    assert why in result["failureDetails"]["message"]
    assert tokens == []


def test_an_approval_of_a_release_that_was_rolled_back_fails_its_job(
    region: Any, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step Functions does not know the token any more, and the pipeline's state says so."""
    region.release(stage=3)
    ask(region)
    monkeypatch.setattr(Executions, "succeed", lambda _self, _token, _output: False)
    assert region.load("confirm_approval").handler(job(), None) == {"confirmed": False}
    ((_, result),) = pipeline.results
    assert "does not wait any more" in result["failureDetails"]["message"]


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (Answer("arn:kim", "too slow"), "has FAILED: arn:kim: too slow"),
        (Answer("", ""), "has FAILED: nobody answered"),
        (None, "has FAILED: the approval was not reached"),
    ],
)
def test_any_other_end_of_the_pipeline_fails_the_token(
    region: Any,
    pipeline: Pipeline,
    tokens: list[tuple[Any, ...]],
    said: Answer | None,
    cause: str,
) -> None:
    """A rejection, an expiry and a stop reach the progression as a denial with its reason."""
    region.release(stage=3)
    ask(region)
    pipeline.said = said
    assert region.load("deny_approval").handler(ended("FAILED"), None) == {"denied": True}
    ((token, error, detail),) = tokens
    assert (token, error) == ("token-1", "ApprovalDenied")
    assert detail.endswith(cause)


def test_the_end_of_an_execution_that_nobody_waits_for_changes_nothing(
    region: Any, pipeline: Pipeline, tokens: list[tuple[Any, ...]]
) -> None:
    """The pipeline's first execution fails by design; a withdrawn question stops."""
    handler = region.load("deny_approval").handler
    assert handler(ended("FAILED"), None) == {"denied": False}
    region.release(stage=3)
    assert handler(ended("FAILED"), None) == {"denied": False}
    ask(region)
    assert handler(ended("STOPPED", "execution-0"), None) == {"denied": False}
    assert tokens == []


@pytest.mark.parametrize(
    ("folder", "event"), [("confirm_approval", job()), ("deny_approval", ended("FAILED"))]
)
def test_an_answer_that_overtakes_the_question_is_heard_again_later(
    region: Any, pipeline: Pipeline, folder: str, event: dict[str, Any]
) -> None:
    """Until the question knows its execution the service is made to call again."""
    region.release(stage=3)
    approvals(region).ask("r-1", "token-1")
    with pytest.raises(LookupError, match="does not name its execution yet"):
        region.load(folder).handler(event, None)


@pytest.mark.parametrize("verb", ["send_task_success", "send_task_failure"])
def test_a_token_that_is_gone_is_an_answer_and_not_an_error(region: Any, verb: str) -> None:
    """Nobody waits any more."""
    client = region.client("stepfunctions")
    refused = {"Error": {"Code": "TaskTimedOut", "Message": "gone"}}

    def gone(**_asked: Any) -> None:
        raise client.exceptions.TaskTimedOut(refused, verb)

    setattr(client, verb, gone)
    executions = Executions(client)
    told: Callable[[], bool] = (
        (lambda: executions.succeed("t", {}))
        if verb == "send_task_success"
        else (lambda: executions.fail("t", "E", "c"))
    )
    assert told() is False


def run(command: Any, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["--region", "us-east-1", *arguments])


def test_the_command_answers_the_pipeline_s_own_approval(region: Any, pipeline: Pipeline) -> None:
    """`canary approve` and `canary reject` do what the console does, in a person's name."""
    region.release(stage=3)
    ask(region)
    pipeline.waiting = Pending("execution-1", "approval-token")
    assert run(approval.approve, "r-1", "--by", "kim").exit_code == 0
    assert run(approval.reject, "--by", "kim", "--reason", "too slow").exit_code == 0
    assert pipeline.answers == [
        (pipeline.waiting, "Approved", "kim: read the report"),
        (pipeline.waiting, "Rejected", "kim: too slow"),
    ]


def test_nothing_is_answered_when_nobody_asks(region: Any, pipeline: Pipeline) -> None:
    """A release that bakes cannot be approved ahead, nor by the approval of another execution."""
    region.release(stage=3)
    refused = run(approval.approve)
    assert (refused.exit_code, pipeline.answers) == (1, [])
    assert "does not ask for approval" in refused.stderr
    ask(region)
    pipeline.waiting = Pending("execution-0", "another")
    refused = run(approval.approve)
    assert (refused.exit_code, pipeline.answers) == (1, [])
    assert "does not wait for an answer (yet)" in refused.stderr
    assert run(approval.approve, "r-2").exit_code == 1
    assert run(operate.status).exit_code == 0
