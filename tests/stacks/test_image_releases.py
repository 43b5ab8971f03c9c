"""An image of the API comes to customers: deployment, alarms, roles, the pipeline."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stacks.assembly import REGION, Assembly, text, texts

ELB = "AWS::ElasticLoadBalancingV2"


def rules(assembly: Assembly, source: str) -> list[dict[str, Any]]:
    """The stack's rules for events of one source."""
    found = assembly.resources("Api", "AWS::Events::Rule").values()
    return [each for each in found if each["Properties"]["EventPattern"]["source"] == [source]]


@pytest.fixture(scope="module")
def pipeline(assembly: Assembly) -> dict[str, Any]:
    return assembly.one("Api", "AWS::CodePipeline::Pipeline")


def test_an_image_meets_a_tenth_of_the_customers_first(assembly: Assembly) -> None:
    """Canary configuration, test listener, and old tasks that stay for half an hour."""
    group = assembly.one("Api", "AWS::CodeDeploy::DeploymentGroup")
    assert group["DeploymentConfigName"] == "CodeDeployDefault.ECSCanary10Percent5Minutes"
    assert group["DeploymentStyle"] == {
        "DeploymentOption": "WITH_TRAFFIC_CONTROL",
        "DeploymentType": "BLUE_GREEN",
    }
    (pair,) = group["LoadBalancerInfo"]["TargetGroupPairInfoList"]
    assert pair["ProdTrafficRoute"] == {"ListenerArns": [{"Ref": "ProductionListener"}]}
    assert pair["TestTrafficRoute"] == {"ListenerArns": [{"Ref": "TestListener"}]}
    assert [text(each["Name"]) for each in pair["TargetGroups"]] == [
        "${BlueTargetGroup.TargetGroupName}",
        "${GreenTargetGroup.TargetGroupName}",
    ]
    end = group["BlueGreenDeploymentConfiguration"]["TerminateBlueInstancesOnDeploymentSuccess"]
    assert end == {"Action": "TERMINATE", "TerminationWaitTimeInMinutes": 30}


def test_an_image_comes_back_on_the_api_s_own_alarms_only(assembly: Assembly) -> None:
    """Failure, stop and alarm roll back; the canary's composite is no reason to."""
    group = assembly.one("Api", "AWS::CodeDeploy::DeploymentGroup")
    assert group["AutoRollbackConfiguration"] == {
        "Enabled": True,
        "Events": [
            "DEPLOYMENT_FAILURE",
            "DEPLOYMENT_STOP_ON_REQUEST",
            "DEPLOYMENT_STOP_ON_ALARM",
        ],
    }
    alarms = assembly.resources("Api", "AWS::CloudWatch::Alarm")
    configured = group["AlarmConfiguration"]
    assert configured["Enabled"] is True
    assert configured["IgnorePollAlarmFailure"] is False
    assert {each["Name"]["Ref"] for each in configured["Alarms"]} == alarms.keys()
    assert {each["Properties"]["AlarmName"] for each in alarms.values()} == {
        "api-target-5xx",
        "api-balancer-5xx",
        "api-slow",
        "api-unhealthy-hosts",
        "api-smoke-test",
    }


def test_the_api_s_alarms_are_ok_without_data_and_tell_somebody(assembly: Assembly) -> None:
    """Each treats missing data as health, says what it means, and reaches the person on call."""
    for each in assembly.resources("Api", "AWS::CloudWatch::Alarm").values():
        alarm = each["Properties"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert "docs/runbook.md#an-image-of-the-api" in alarm["AlarmDescription"]
        (action,) = alarm["AlarmActions"]
        assert "OnCall" in action["Fn::ImportValue"]


def test_code_deploy_may_change_this_service_and_these_listeners_only(assembly: Assembly) -> None:
    """Its role has no managed policy; what it may change is named, and `*` stands for reading."""
    group = assembly.one("Api", "AWS::CodeDeploy::DeploymentGroup")
    role = group["ServiceRoleArn"]
    (logical_id, _) = role["Fn::GetAtt"]
    resource = assembly.resources("Api", "AWS::IAM::Role")[logical_id]["Properties"]
    assert "ManagedPolicyArns" not in resource
    allowed = {
        action: texts(statement["Resource"])
        for statement in assembly.statements("Api", role)
        for action in texts(statement["Action"])
    }
    assert allowed["elasticloadbalancing:ModifyListener"] == [
        "${ProductionListener}",
        "${TestListener}",
    ]
    assert all("service/mangaassist/api" in each for each in allowed["ecs:DescribeServices"])
    wide = {action for action, resources in allowed.items() if "*" in resources}
    assert wide == {
        "cloudwatch:DescribeAlarms",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetGroups",
    }


@pytest.mark.parametrize("of", ["group", "pipeline"])
def test_roles_are_passed_to_tasks_only(
    assembly: Assembly, pipeline: dict[str, Any], of: str
) -> None:
    """Whoever starts tasks may give them the task definition's two roles and no other."""
    group = assembly.one("Api", "AWS::CodeDeploy::DeploymentGroup")
    role = group["ServiceRoleArn"] if of == "group" else pipeline["RoleArn"]
    (passing,) = [
        each for each in assembly.statements("Api", role) if each["Action"] == "iam:PassRole"
    ]
    definition = assembly.one("Api", "AWS::ECS::TaskDefinition")
    roles = (definition["TaskRoleArn"], definition["ExecutionRoleArn"])
    assert sorted(texts(passing["Resource"])) == sorted(text(each) for each in roles)
    assert passing["Condition"] == {
        "StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    }


def test_the_pipeline_deploys_what_was_published(pipeline: dict[str, Any]) -> None:
    """S3 without polling, then CodeDeploy on ECS with both documents of the one artifact."""
    assert (pipeline["Name"], pipeline["PipelineType"]) == ("release-image", "V2")
    source, deploy = (stage["Actions"][0] for stage in pipeline["Stages"])
    assert source["ActionTypeId"]["Provider"] == "S3"
    assert source["Configuration"]["PollForSourceChanges"] == "false"
    assert source["Configuration"]["S3ObjectKey"] == "api/release.zip"
    assert deploy["ActionTypeId"]["Provider"] == "CodeDeployToECS"
    configuration = deploy["Configuration"]
    assert configuration["TaskDefinitionTemplatePath"] == "taskdef.json"
    assert configuration["AppSpecTemplatePath"] == "appspec.yaml"
    (artifact,) = source["OutputArtifacts"]
    assert deploy["InputArtifacts"] == [artifact]
    assert configuration["AppSpecTemplateArtifact"] == artifact["Name"]


def test_a_new_task_definition_is_published_and_starts_the_pipeline(
    assembly: Assembly, pipeline: dict[str, Any]
) -> None:
    """The custom resource changes with the definition; S3 announces the object to one rule."""
    (published,) = assembly.resources("Api", "Custom::PublishedImage").values()
    (definition,) = assembly.resources("Api", "AWS::ECS::TaskDefinition")
    assert published["Properties"]["TaskDefinition"] == {"Ref": definition}
    assert "canary-smoke-test" in assembly.functions()
    bucket = published["Properties"]["Bucket"]
    assert pipeline["ArtifactStore"]["Location"] == bucket
    resource = assembly.resources("Api", "AWS::S3::Bucket")[bucket["Ref"]]["Properties"]
    assert resource["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }
    (rule,) = rules(assembly, "aws.s3")
    assert rule["Properties"]["EventPattern"]["detail"] == {
        "bucket": {"name": [bucket]},
        "object": {"key": [published["Properties"]["Key"]]},
    }
    (target,) = rule["Properties"]["Targets"]
    assert text(target["Arn"]).endswith(":release-image")
    assert assembly.resources("Api", "AWS::CodePipeline::Pipeline").keys() <= set(rule["DependsOn"])


def test_an_image_that_was_taken_back_reaches_the_person_on_call(assembly: Assembly) -> None:
    """Also when no alarm rang, such as for tasks that never became healthy."""
    (rule,) = rules(assembly, "aws.codedeploy")
    pattern = rule["Properties"]["EventPattern"]
    assert pattern["detail-type"] == ["CodeDeploy Deployment State-change Notification"]
    assert pattern["detail"]["state"] == ["FAILURE", "STOP"]
    (target,) = rule["Properties"]["Targets"]
    assert "OnCall" in target["Arn"]["Fn::ImportValue"]


def test_the_published_object_does_not_expire(assembly: Assembly) -> None:
    """Only CodePipeline's copies do: an image may be released again after a quiet half-year."""
    bucket = assembly.one("Api", "AWS::S3::Bucket")
    expiring = [
        rule for rule in bucket["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in rule
    ]
    assert [rule["Prefix"] for rule in expiring] == ["release-image/"]


def test_the_pipeline_finds_its_object_at_its_creation(assembly: Assembly) -> None:
    """CodePipeline starts an execution when it is made: the object is there before."""
    (pipeline,) = assembly.resources("Api", "AWS::CodePipeline::Pipeline").values()
    assert assembly.resources("Api", "Custom::PublishedImage").keys() <= set(pipeline["DependsOn"])


def test_a_failed_hook_is_not_called_again(assembly: Assembly) -> None:
    """The deployment ends with the first answer, so another run would answer nobody."""
    once = assembly.one("Api", "AWS::Lambda::EventInvokeConfig")
    assert once["MaximumRetryAttempts"] == 0
    assert once["Qualifier"] == "$LATEST"


def test_the_hook_s_name_in_the_app_spec_may_be_called(assembly: Assembly) -> None:
    """What CodeDeploy is told to call is what its role lets it call."""
    (published,) = assembly.resources("Api", "Custom::PublishedImage").values()
    role = assembly.one("Api", "AWS::CodeDeploy::DeploymentGroup")["ServiceRoleArn"]
    (invoking,) = [
        each
        for each in assembly.statements("Api", role)
        if each["Action"] == "lambda:InvokeFunction"
    ]
    assert invoking["Resource"] == published["Properties"]["Hook"]


def test_the_hook_can_answer_from_inside_the_network(assembly: Assembly) -> None:
    """Its subnets have no way out: CodeDeploy's API has an endpoint there."""
    services = {
        text(each["Properties"]["ServiceName"])
        for each in assembly.resources("Network", "AWS::EC2::VPCEndpoint").values()
    }
    assert f"com.amazonaws.{REGION}.codedeploy" in services
