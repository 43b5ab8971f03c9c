"""The pipeline that asks a person: what it reads, whom it tells, what it may do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from canary.aws.pipelines import APPROVAL, SOURCE
from canary.cli.approval import PIPELINE
from canary.policy.compiled import CompiledPolicy
from stacks.constructs.promotion_actions import approval
from tests.stacks.assembly import Assembly, text


@pytest.fixture(scope="module")
def pipeline(assembly: Assembly) -> dict[str, Any]:
    return assembly.one("Progression", "AWS::CodePipeline::Pipeline")


@pytest.fixture(scope="module")
def actions(pipeline: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each stage's only action, by the stage's name."""
    return {stage["Name"]: stage["Actions"][0] for stage in pipeline["Stages"]}


def test_no_release_displaces_one_that_waits(pipeline: dict[str, Any]) -> None:
    """A V2 pipeline that queues; SUPERSEDED would throw the waiting approval away."""
    assert (pipeline["Name"], PIPELINE) == ("promotion", "promotion")
    assert (pipeline["PipelineType"], pipeline["ExecutionMode"]) == ("V2", "QUEUED")
    assert pipeline["RestartExecutionOnUpdate"] is False
    assert [each["Name"] for each in pipeline["Variables"]] == ["release_id"]
    assert all("DefaultValue" not in each for each in pipeline["Variables"])


def test_nothing_but_the_progression_starts_it(
    assembly: Assembly, pipeline: dict[str, Any], actions: dict[str, Any]
) -> None:
    """No poll, no trigger and no rule; the key and the version come with the start."""
    source = actions["Source"]
    assert source["Name"] == SOURCE
    assert source["Configuration"]["PollForSourceChanges"] == "false"
    assert source["Configuration"]["AllowOverrideForS3ObjectKey"] == "true"
    assert "Triggers" not in pipeline
    for rule in assembly.resources("Progression", "AWS::Events::Rule").values():
        for target in rule["Properties"]["Targets"]:
            assert "Pipeline" not in text(target["Arn"])


def test_a_person_is_told_with_a_link_to_that_version_of_the_report(
    actions: dict[str, Any], policy: CompiledPolicy
) -> None:
    """Mail to the ML engineers; the policy says how long an answer may take."""
    approval = actions["Approval"]
    assert approval["Name"] == APPROVAL
    kind = approval["ActionTypeId"]
    assert (kind["Category"], kind["Provider"]) == ("Approval", "Manual")
    configuration = approval["Configuration"]
    assert "TopicsMlEngineers" in text(configuration["NotificationArn"])
    link = text(configuration["ExternalEntityLink"])
    assert link.endswith("prefix=#{Report.ObjectKey}&versionId=#{Report.VersionId}")
    assert approval["TimeoutInMinutes"] * 60 == policy.promotion.approval_seconds


def test_the_last_action_names_the_release_and_the_execution(
    assembly: Assembly, actions: dict[str, Any]
) -> None:
    """So that an old execution cannot answer a newer question."""
    confirm = actions["Confirm"]
    assert confirm["ActionTypeId"]["Provider"] == "Lambda"
    assert json.loads(confirm["Configuration"]["UserParameters"]) == {
        "release_id": "#{variables.release_id}",
        "execution_id": "#{codepipeline.PipelineExecutionId}",
    }
    name = confirm["Configuration"]["FunctionName"]["Ref"]
    functions = assembly.resources("Progression", "AWS::Lambda::Function")
    assert functions[name]["Properties"]["FunctionName"] == "canary-confirm-approval"


def test_every_other_end_reaches_the_function_that_fails_the_token(assembly: Assembly) -> None:
    """A rejection ends the pipeline before any later action: a rule hears it."""
    (rule,) = [
        each["Properties"]
        for each in assembly.resources("Progression", "AWS::Events::Rule").values()
        if each["Properties"].get("EventPattern", {}).get("source") == ["aws.codepipeline"]
    ]
    assert rule["EventPattern"]["detail-type"] == ["CodePipeline Pipeline Execution State Change"]
    assert rule["EventPattern"]["detail"] == {
        "pipeline": ["promotion"],
        "state": ["FAILED", "STOPPED", "CANCELED", "SUPERSEDED"],
    }
    (target,) = rule["Targets"]
    assert "DenyLive" in text(target["Arn"])


def test_artifacts_are_encrypted_and_reports_have_versions(
    assembly: Assembly, pipeline: dict[str, Any]
) -> None:
    """Both buckets are private; a report's version is what is asked about."""
    store = pipeline["ArtifactStore"]
    assert store["EncryptionKey"]["Type"] == "KMS"
    artifacts = assembly.resources("Progression", "AWS::S3::Bucket")[store["Location"]["Ref"]]
    reports = [
        each
        for name, each in assembly.resources("State", "AWS::S3::Bucket").items()
        if name.startswith("Reports")
    ]
    for bucket in (artifacts, *reports):
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["DeletionPolicy"] == "Retain"


def test_the_pipeline_may_do_what_its_three_actions_need(
    assembly: Assembly, pipeline: dict[str, Any]
) -> None:
    """Read a report, copy it, tell the ML engineers, call one function; by this pipeline alone."""
    role = pipeline["RoleArn"]
    found = assembly.resources("Progression", "AWS::IAM::Role")[role["Fn::GetAtt"][0]]
    (trust,) = found["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert text(trust["Condition"]["ArnLike"]["aws:SourceArn"]).endswith(":promotion")
    allowed: dict[str, set[str]] = {}
    for statement in assembly.statements("Progression", role):
        actions, resources = (
            each if isinstance(each, list) else [each]
            for each in (statement["Action"], statement["Resource"])
        )
        for action in actions:
            allowed.setdefault(action, set()).update(text(each) for each in resources)
    assert not [action for action in allowed if "*" in action]
    assert [action for action, resources in allowed.items() if "*" in resources] == [
        "lambda:ListFunctions"
    ]
    assert len(allowed["lambda:InvokeFunction"]) == len(allowed["sns:Publish"]) == 1
    assert "s3:DeleteObject" not in allowed
    (written,) = allowed["s3:PutObject"]
    assert written.startswith("${PromotionArtifacts")


@pytest.mark.parametrize("seconds", [60, 61 * 86_400])
def test_an_approval_time_that_codepipeline_refuses_is_refused_at_synthesis(seconds: int) -> None:
    """The message says the limits, in the policy's words."""
    with pytest.raises(ValueError, match=r"promotion\.approval: .* 5 min to 60 days"):
        approval("reports", "topic", "us-east-1", seconds=seconds)
