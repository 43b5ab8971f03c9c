"""The API tier's service: frozen, and scaled by the load of both its groups."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stacks.assembly import Assembly

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
