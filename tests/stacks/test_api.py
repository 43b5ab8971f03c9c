"""The API tier: its public entrance, its frozen service, and how an image of it is released."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stacks.assembly import REGION, Assembly, text, texts

ELB = "AWS::ElasticLoadBalancingV2"
SERVICE = {
    "Type": "AWS::ECS::Service",
    "Properties": {
        "Cluster": "mangaassist-gateway",
        "DeploymentConfiguration": {"MaximumPercent": 200, "MinimumHealthyPercent": 100},
        "DeploymentController": {"Type": "CODE_DEPLOY"},
        "DesiredCount": 3,
        "EnableECSManagedTags": False,
        "HealthCheckGracePeriodSeconds": 60,
        "LaunchType": "FARGATE",
        "LoadBalancers": [
            {
                "ContainerName": "api",
                "ContainerPort": 8080,
                "TargetGroupArn": {"Ref": "BlueTargetGroup"},
            }
        ],
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {
                "AssignPublicIp": "DISABLED",
                "SecurityGroups": ["mangaassist-network"],
                "Subnets": ["mangaassist-network"] * 3,
            }
        },
        "ServiceName": "api",
        "TaskDefinition": "mangaassist-api",
    },
    "DependsOn": [
        "ProductionListener",
        "TaskDefinitionExecutionRoleDefaultPolicy4AB70E21",
        "TaskDefinitionExecutionRoleAA5A03DA",
        "TaskDefinition21A4D618",
        "TaskDefinitionTaskRoleDefaultPolicyE1B9130E",
        "TaskDefinitionTaskRole82AC8548",
        "TestListener",
    ],
}
"""The service to the byte, but for the names of exports, which are cut to their stack."""


def cut(value: Any) -> Any:
    """A template's value with each import as the name of the stack that exports it."""
    if isinstance(value, dict):
        if value.keys() == {"Fn::ImportValue"}:
            return value["Fn::ImportValue"].split(":")[0]
        return {key: cut(each) for key, each in value.items()}
    return [cut(each) for each in value] if isinstance(value, list) else value


def rules(assembly: Assembly, source: str) -> list[dict[str, Any]]:
    """The stack's rules for events of one source."""
    found = assembly.resources("Api", "AWS::Events::Rule").values()
    return [each for each in found if each["Properties"]["EventPattern"]["source"] == [source]]


@pytest.fixture(scope="module")
def listeners(assembly: Assembly) -> dict[int, dict[str, Any]]:
    """The listeners of the public load balancer by port."""
    found = assembly.resources("Api", f"{ELB}::Listener")
    return {
        each["Properties"]["Port"]: each["Properties"]
        for name, each in found.items()
        if not name.startswith("TestEntrance")
    }


@pytest.fixture(scope="module")
def pipeline(assembly: Assembly) -> dict[str, Any]:
    return assembly.one("Api", "AWS::CodePipeline::Pipeline")


@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-1"])
def test_the_service_never_changes(assembly: Assembly, region: str) -> None:
    """CloudFormation cannot update a service under CODE_DEPLOY: every byte of it is pinned.

    A change of this test's expectation is an outage of the next deploy.
    """
    services = assembly.resources("Api", "AWS::ECS::Service", region)
    assert services.keys() == {"ApiService"}
    found = services["ApiService"]
    assert set(found.pop("DependsOn")) == set(SERVICE["DependsOn"])
    assert cut(found) == {key: value for key, value in SERVICE.items() if key != "DependsOn"}


def test_a_new_image_leaves_the_service_alone(assembly: Assembly) -> None:
    """It names a family; what an image changes is the task definition, which nothing else is."""
    service = assembly.resources("Api", "AWS::ECS::Service")["ApiService"]["Properties"]
    definition = assembly.one("Api", "AWS::ECS::TaskDefinition")
    assert service["TaskDefinition"] == definition["Family"] == "mangaassist-api"


def test_what_code_deploy_rewrites_has_nothing_volatile(assembly: Assembly) -> None:
    """Listeners and groups have fixed ids and no tag: a change would write the first group back."""
    groups = assembly.resources("Api", f"{ELB}::TargetGroup")
    assert {"BlueTargetGroup", "GreenTargetGroup"} < groups.keys()
    blue, green = (groups[f"{name}TargetGroup"]["Properties"] for name in ("Blue", "Green"))
    assert blue == green
    assert not blue.keys() & {"Name", "Tags"}
    assert blue["HealthCheckPath"] == "/healthz"
    listeners = assembly.resources("Api", f"{ELB}::Listener")
    assert {"ProductionListener", "TestListener"} < listeners.keys()
    for name in ("ProductionListener", "TestListener"):
        assert listeners[name]["Properties"].keys() <= {
            "Certificates",
            "DefaultActions",
            "LoadBalancerArn",
            "Port",
            "Protocol",
            "SslPolicy",
        }


def test_customers_speak_tls_1_2_or_newer(listeners: dict[int, dict[str, Any]]) -> None:
    """Production answers on 443 with the operator's certificate, port 80 sends people there."""
    production = listeners[443]
    assert production["Protocol"] == "HTTPS"
    assert production["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert len(production["Certificates"]) == 1
    (redirect,) = listeners[80]["DefaultActions"]
    assert redirect["Type"] == "redirect"
    assert redirect["RedirectConfig"]["Protocol"] == "HTTPS"
    assert redirect["RedirectConfig"]["Port"] == "443"


def test_the_public_load_balancer_is_guarded(assembly: Assembly) -> None:
    """It is hard to delete, logs its requests, and drops headers that are not valid."""
    balancers = assembly.resources("Api", f"{ELB}::LoadBalancer").values()
    (public,) = [
        each["Properties"]
        for each in balancers
        if each["Properties"]["Scheme"] == "internet-facing"
    ]
    attributes = {each["Key"]: each["Value"] for each in public["LoadBalancerAttributes"]}
    assert attributes["deletion_protection.enabled"] == "true"
    assert attributes["access_logs.s3.enabled"] == "true"
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"


def test_the_test_listener_is_reached_by_its_entrance_alone(assembly: Assembly) -> None:
    """Port 9000 admits one security group, and that one admits the smoke test's group only."""
    rules = assembly.resources("Network", "AWS::EC2::SecurityGroupIngress").values()
    groups = assembly.resources("Network", "AWS::EC2::SecurityGroup")

    def sources(port: int, target: str) -> list[str]:
        return [
            text(each["Properties"]["SourceSecurityGroupId"])
            for each in rules
            if each["Properties"]["FromPort"] == port
            and target in text(each["Properties"]["GroupId"])
        ]

    (entrance,) = sources(9000, "PublicBalancer")
    assert "TestEntrance" in entrance
    (caller,) = sources(80, "TestEntrance")
    assert "SmokeTest" in caller
    open_ports = {
        rule["FromPort"]
        for each in groups.values()
        for rule in each["Properties"].get("SecurityGroupIngress", [])
        if rule.get("CidrIp") == "0.0.0.0/0"
    }
    assert open_ports == {80, 443}


def test_the_entrance_is_private_and_leads_to_the_test_listener(
    assembly: Assembly, listeners: dict[int, dict[str, Any]]
) -> None:
    """A public balancer's name has public addresses; the way in is inside the network."""
    found = assembly.resources("Api", f"{ELB}::LoadBalancer").items()
    ((name, entrance),) = [each for each in found if each[1]["Properties"]["Type"] == "network"]
    assert entrance["Properties"]["Scheme"] == "internal"
    groups = assembly.resources("Api", f"{ELB}::TargetGroup").values()
    (group,) = [each for each in groups if each["Properties"]["TargetType"] == "alb"]
    assert group["Properties"]["Port"] == 9000
    assert group["Properties"]["Targets"] == [
        {"Id": listeners[9000]["LoadBalancerArn"], "Port": 9000}
    ]
    assert group["DependsOn"] == ["TestListener"]
    url = assembly.functions()["canary-smoke-test"]["Environment"]["Variables"]["TEST_URL"]
    assert text(url) == f"http://${{{name}.DNSName}}"


def test_the_firewall_blocks_floods_and_known_attacks(assembly: Assembly) -> None:
    """A limit an address, AWS's managed groups, and it stands before the public balancer."""
    acl = assembly.one("Api", "AWS::WAFv2::WebACL")
    assert acl["Scope"] == "REGIONAL"
    limit, *managed = sorted(acl["Rules"], key=lambda rule: rule["Priority"])
    assert limit["Action"] == {"Block": {}}
    rate = limit["Statement"]["RateBasedStatement"]
    assert (rate["Limit"], rate["EvaluationWindowSec"], rate["AggregateKeyType"]) == (
        2000,
        300,
        "IP",
    )
    assert [each["Name"] for each in managed] == [
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
    ]
    assert all(each["OverrideAction"] == {"None": {}} for each in managed)
    association = assembly.one("Api", "AWS::WAFv2::WebACLAssociation")
    assert association["ResourceArn"] == {"Ref": "PublicBalancer60150BD7"}


def test_what_customers_write_is_counted_and_not_blocked(assembly: Assembly) -> None:
    """4,000 characters of Japanese pass 8 KB, and a chat may hold links: such rules only count."""
    (common,) = [
        each["Statement"]["ManagedRuleGroupStatement"]
        for each in assembly.one("Api", "AWS::WAFv2::WebACL")["Rules"]
        if each["Name"] == "AWSManagedRulesCommonRuleSet"
    ]
    assert {each["Name"]: each["ActionToUse"] for each in common["RuleActionOverrides"]} == {
        name: {"Count": {}}
        for name in ("SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericRFI_BODY")
    }


def test_the_firewall_s_log_names_a_group_that_waf_accepts(assembly: Assembly) -> None:
    """The prefix is WAF's own, the ARN has no `:*`, credentials are left out."""
    logging = assembly.one("Api", "AWS::WAFv2::LoggingConfiguration")
    (destination,) = logging["LogDestinationConfigs"]
    assert text(destination).endswith(":log-group:aws-waf-logs-mangaassist-api")
    groups = assembly.named("Api", "AWS::Logs::LogGroup", "LogGroupName")
    assert groups["aws-waf-logs-mangaassist-api"]["RetentionInDays"] == 90
    hidden = {each["SingleHeader"]["Name"] for each in logging["RedactedFields"]}
    assert hidden == {"authorization", "cookie"}


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


def test_either_group_may_be_the_one_that_serves(assembly: Assembly) -> None:
    """Alarm and scaling look at both groups, since a deployment swaps them."""
    alarms = assembly.named("Api", "AWS::CloudWatch::Alarm", "AlarmName")
    policies = assembly.named("Api", "AWS::ApplicationAutoScaling::ScalingPolicy", "PolicyName")
    tracking = policies["api-requests-per-task"]["TargetTrackingScalingPolicyConfiguration"]
    for metrics in (
        alarms["api-unhealthy-hosts"]["Metrics"],
        tracking["CustomizedMetricSpecification"]["Metrics"],
    ):
        said = json.dumps(metrics)
        assert "BlueTargetGroup" in said
        assert "GreenTargetGroup" in said
        (expression,) = [each["Expression"] for each in metrics if "Expression" in each]
        assert expression == "FILL(blue, 0) + FILL(green, 0)"


def test_the_api_scales_between_one_a_zone_and_its_limit(assembly: Assembly) -> None:
    """Never fewer tasks than the service began with; by requests a task, and by processor."""
    target = assembly.one("Api", "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 12)
    assert target["ScalableDimension"] == "ecs:service:DesiredCount"
    policies = assembly.named("Api", "AWS::ApplicationAutoScaling::ScalingPolicy", "PolicyName")
    assert policies.keys() == {"api-cpu", "api-requests-per-task"}
    for policy in policies.values():
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        assert (tracking["ScaleInCooldown"], tracking["ScaleOutCooldown"]) == (300, 60)


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
