"""Pipelines: a source with its version, an approval with its token, a job with its result."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from canary.aws.pipelines import PromotionPipeline
from canary.aws.reports import Reports
from canary.local.emulator import ACCOUNT
from canary.local.parts import Parts
from tests.local.emulator.bench import eventually, lines_of, make_function, make_stack

ANSWER = """
    import json, boto3
    def handler(event, context):
        job = event["CodePipeline.job"]
        asked = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
        print(json.dumps(asked))
        pipeline = boto3.client("codepipeline")
        if asked["release_id"] == "r-bad":
            details = {"type": "JobFailed", "message": "it is over"}
            pipeline.put_job_failure_result(jobId=job["id"], failureDetails=details)
        else:
            pipeline.put_job_success_result(jobId=job["id"])
"""
HEAR = """
    import json
    def handler(event, context):
        print(json.dumps(event["detail"]))
"""


def action(name: str, category: str, provider: str, **more: Any) -> dict[str, Any]:
    kind = {"Category": category, "Owner": "AWS", "Provider": provider, "Version": "1"}
    return {"Name": name, "ActionTypeId": kind, **more}


def template(minutes: int) -> dict[str, Any]:
    asked = {
        "release_id": "#{variables.release_id}",
        "execution_id": "#{codepipeline.PipelineExecutionId}",
        "version": "#{Report.VersionId}",
    }
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "codepipeline.amazonaws.com"},
            }
        ],
    }
    source = action(
        "Report",
        "Source",
        "S3",
        Namespace="Report",
        OutputArtifacts=[{"Name": "Report"}],
        Configuration={
            "S3Bucket": {"Ref": "Reports"},
            "S3ObjectKey": "none",
            "AllowOverrideForS3ObjectKey": "true",
        },
    )
    approval = action("Approval", "Approval", "Manual", TimeoutInMinutes=minutes)
    invoke = action(
        "Confirm",
        "Invoke",
        "Lambda",
        Configuration={"FunctionName": "answer", "UserParameters": json.dumps(asked)},
    )
    actions = {"Source": source, "Approval": approval, "Confirm": invoke}
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
            "Reports": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"VersioningConfiguration": {"Status": "Enabled"}},
            },
            "Pipeline": {
                "Type": "AWS::CodePipeline::Pipeline",
                "Properties": {
                    "Name": f"within-{minutes}",
                    "PipelineType": "V2",
                    "ExecutionMode": "QUEUED",
                    "RestartExecutionOnUpdate": False,
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "ArtifactStore": {"Type": "S3", "Location": {"Ref": "Reports"}},
                    "Variables": [{"Name": "release_id"}],
                    "Stages": [{"Name": name, "Actions": [each]} for name, each in actions.items()],
                },
            },
        },
        "Outputs": {
            "Bucket": {"Value": {"Ref": "Reports"}},
            "Name": {"Value": {"Ref": "Pipeline"}},
        },
    }


class Scene:
    """A pipeline of a template, and what is heard of it on the bus."""

    def __init__(self, parts: Parts, minutes: int = 10_080) -> None:
        self.parts = parts
        self.client = parts.emulator.client("codepipeline")
        outputs = make_stack(parts.emulator, f"stack-within-{minutes}", template(minutes))
        self.name = outputs["Name"]
        self.pipeline = PromotionPipeline(self.client, self.name)
        self.reports = Reports(parts.emulator.client("s3"), outputs["Bucket"])

    def start(self, release_id: str) -> str:
        report = self.reports.write(release_id, "<p>read me</p>")
        return self.pipeline.start(release_id, report, task_token=release_id)

    def pending(self, execution: str) -> Any:
        return eventually(
            lambda: (found := self.pipeline.pending()) and found.execution_id == execution and found
        )

    def ended(self, execution: str) -> str:
        """The execution's status, once it is over."""

        def over() -> str | None:
            listed = self.client.list_pipeline_executions(pipelineName=self.name)
            for each in listed["pipelineExecutionSummaries"]:
                if each["pipelineExecutionId"] == execution:
                    return None if each["status"] == "InProgress" else str(each["status"])
            return None

        return str(eventually(over))

    def heard(self, execution: str) -> list[str]:
        """The states of an execution that reached a rule's function."""
        events = [json.loads(line) for line in lines_of(self.parts, "hear")]
        return [each["state"] for each in events if each["execution-id"] == execution]


@pytest.fixture(scope="module")
def scene(parts: Parts) -> Scene:
    emulator = parts.emulator
    make_function(emulator, "answer", ANSWER)
    hear = make_function(emulator, "hear", HEAR)
    rule = emulator.client("events").put_rule(
        Name="heard", EventPattern=json.dumps({"source": ["aws.codepipeline"]})
    )["RuleArn"]
    emulator.client("events").put_targets(Rule="heard", Targets=[{"Id": "1", "Arn": hear}])
    emulator.client("lambda").add_permission(
        FunctionName="hear",
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    return Scene(parts)


def test_an_approved_execution_calls_its_function_with_variables_filled_in(scene: Scene) -> None:
    """The job knows release, execution and the report's version; its result ends it."""
    execution = scene.start("r-1")
    waiting = scene.pending(execution)
    assert scene.heard(execution) in ([], ["STARTED"])
    scene.pipeline.answer(waiting, "Approved", "kim: fine")
    assert scene.ended(execution) == "Succeeded"
    asked = json.loads(eventually(lambda: lines_of(scene.parts, "answer"))[-1])
    assert (asked["release_id"], asked["execution_id"]) == ("r-1", execution)
    assert asked["version"] not in ("", "null")
    answer = scene.pipeline.answer_of(execution)
    assert answer is not None
    assert (answer.by, answer.summary) == (f"arn:aws:iam::{ACCOUNT}:user/somebody", "kim: fine")
    eventually(lambda: sorted(scene.heard(execution)) == ["STARTED", "SUCCEEDED"])


def test_a_rejection_ends_the_execution_before_the_function(scene: Scene) -> None:
    """Only the bus tells of it; who said what stays readable."""
    execution = scene.start("r-2")
    scene.pipeline.answer(scene.pending(execution), "Rejected", "kim: no")
    assert scene.ended(execution) == "Failed"
    eventually(lambda: "FAILED" in scene.heard(execution))
    assert execution not in "".join(lines_of(scene.parts, "answer"))
    assert "kim: no" in str(scene.pipeline.answer_of(execution))


def test_a_failed_job_fails_the_execution(scene: Scene) -> None:
    """PutJobFailureResult ends the action and says why."""
    execution = scene.start("r-bad")
    scene.pipeline.answer(scene.pending(execution), "Approved", "kim: fine")
    assert scene.ended(execution) == "Failed"
    (confirm,) = (
        stage["actionStates"][0]["latestExecution"]
        for stage in scene.client.get_pipeline_state(name=scene.name)["stageStates"]
        if stage["stageName"] == "Confirm"
    )
    assert (confirm["status"], confirm["errorDetails"]["message"]) == ("Failed", "it is over")


def test_executions_queue_until_the_first_is_abandoned(scene: Scene) -> None:
    """A second one waits for its turn; the same request token starts none."""
    first = scene.start("r-3")
    scene.pending(first)
    second = scene.start("r-4")
    assert scene.start("r-4") == second
    assert scene.pipeline.pending() == scene.pending(first)
    scene.client.stop_pipeline_execution(
        pipelineName=scene.name, pipelineExecutionId=first, abandon=True
    )
    assert scene.ended(first) == "Stopped"
    scene.pending(second)
    scene.pipeline.abandon_all("over")
    assert scene.ended(second) == "Stopped"
    eventually(lambda: "STOPPED" in scene.heard(second))


def test_an_answer_needs_the_token_of_the_approval_that_waits(scene: Scene) -> None:
    """A stale or invented token answers nothing."""
    execution = scene.start("r-5")
    waiting = scene.pending(execution)
    with pytest.raises(ClientError, match="InvalidApprovalToken"):
        scene.client.put_approval_result(
            pipelineName=scene.name,
            stageName="Approval",
            actionName="Approval",
            result={"status": "Approved", "summary": ""},
            token="another",
        )
    assert scene.pipeline.pending() == waiting
    scene.pipeline.abandon_all("over")
    scene.ended(execution)


def test_an_execution_without_its_variable_is_refused(scene: Scene) -> None:
    """A variable without a default must be given."""
    with pytest.raises(ClientError, match="release_id has no value"):
        scene.client.start_pipeline_execution(name=scene.name)


def test_a_report_that_is_not_there_fails_the_source(scene: Scene) -> None:
    """Nothing is asked about a report that nobody can read."""
    answer = scene.client.start_pipeline_execution(
        name=scene.name, variables=[{"name": "release_id", "value": "r-6"}]
    )
    assert scene.ended(answer["pipelineExecutionId"]) == "Failed"


def test_an_approval_that_nobody_answers_expires(parts: Parts, scene: Scene) -> None:
    """The action's own time-out is virtual time: five minutes are half a second here."""
    quick = Scene(parts, minutes=5)
    execution = quick.start("r-7")
    assert quick.ended(execution) == "Failed"
    eventually(lambda: "FAILED" in scene.heard(execution))
