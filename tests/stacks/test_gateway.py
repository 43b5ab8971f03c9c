"""The gateway: one service, two task sets, models from Parameter Store."""

from __future__ import annotations

import json

import pytest

from canary.policy.compiled import CompiledPolicy
from tests.stacks.assembly import REGION, Assembly, text, texts


def test_the_service_is_under_the_external_controller(assembly: Assembly) -> None:
    """It names no task definition, launch type, network or load balancer: its sets have them."""
    service = assembly.resources("Gateway", "AWS::ECS::Service")["GatewayService"]["Properties"]
    assert service["DeploymentController"] == {"Type": "EXTERNAL"}
    assert service["ServiceName"] == "gateway"
    assert not service.keys() & {
        "TaskDefinition",
        "LaunchType",
        "NetworkConfiguration",
        "LoadBalancers",
    }


@pytest.mark.parametrize(
    ("name", "scale", "arm"), [("primary", 100, "control"), ("canary", 0, "canary")]
)
def test_a_task_set_has_its_scale_group_arm_and_model(
    assembly: Assembly, name: str, scale: int, arm: str
) -> None:
    """Each set forwards to its own group and reads its arm's model as a secret at start."""
    task_set = assembly.named("Gateway", "AWS::ECS::TaskSet", "ExternalId")[name]
    assert task_set["Scale"] == {"Unit": "PERCENT", "Value": scale}
    assert task_set["LaunchType"] == "FARGATE"
    network = task_set["NetworkConfiguration"]["AwsVpcConfiguration"]
    assert network["AssignPublicIp"] == "DISABLED"
    assert len(network["Subnets"]) == 3
    (attached,) = task_set["LoadBalancers"]
    group = f"{name.capitalize()}TargetGroup"
    assert group in attached["TargetGroupArn"]["Fn::ImportValue"]
    definition = assembly.resources("Gateway", "AWS::ECS::TaskDefinition")[
        task_set["TaskDefinition"]["Ref"]
    ]["Properties"]
    (container,) = definition["ContainerDefinitions"]
    assert (container["Name"], attached["ContainerPort"]) == (attached["ContainerName"], 8080)
    assert container["MemoryReservation"] > 0
    environment = {each["Name"]: text(each["Value"]) for each in container["Environment"]}
    guardrail = {"GUARDRAIL_ID", "GUARDRAIL_VERSION"}
    places = {"RELEASES_TABLE", "METRICS_NAMESPACE"}
    assert environment.keys() == {"ARM", "TASK_SET", *places, *guardrail}
    assert (environment["ARM"], environment["TASK_SET"]) == (arm, name)
    (secret,) = container["Secrets"]
    assert secret["Name"] == "MODEL_ID"
    assert text(secret["ValueFrom"]).endswith(f"parameter/mangaassist/canary/{arm}/model-id")


def test_primary_is_the_primary_task_set(assembly: Assembly) -> None:
    """Scaling and replacement look to it."""
    sets = assembly.resources("Gateway", "AWS::ECS::TaskSet")
    primary = assembly.one("Gateway", "AWS::ECS::PrimaryTaskSet")["TaskSetId"]
    (logical_id, attribute) = primary["Fn::GetAtt"]
    assert attribute == "Id"
    assert sets[logical_id]["Properties"]["ExternalId"] == "primary"


def test_task_sets_come_after_the_rules_and_the_models(assembly: Assembly) -> None:
    """ECS refuses a set whose group has no rule, and a task without its model cannot start."""
    manifest = json.loads((assembly.path / f"assembly-{REGION}" / "manifest.json").read_text())
    stacks = {
        each["displayName"].split("/")[-1].split(" ")[0]: each.get("dependencies", [])
        for each in manifest["artifacts"].values()
        if each["type"] == "aws:cloudformation:stack"
    }
    needed = " ".join(stacks["Gateway"])
    assert "Traffic" in needed
    assert "State" in needed


@pytest.mark.parametrize("name", ["primary", "canary"])
def test_a_task_may_invoke_models_and_attest_its_own_set_only(
    assembly: Assembly, policy: CompiledPolicy, name: str
) -> None:
    """Least privilege: the policy's models and no other, and no attesting for the other arm."""
    definition = assembly.named("Gateway", "AWS::ECS::TaskDefinition", "Family")[
        f"mangaassist-gateway-{name}"
    ]
    *invoke, judge, attest = assembly.statements("Gateway", definition["TaskRoleArn"])
    whole, streamed = "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"
    assert all(each["Action"] == [whole, streamed] for each in invoke)
    named = {name.split(":bedrock:")[1] for each in invoke for name in texts(each["Resource"])}
    expected = set()
    for model in policy.models:
        expected.add(f"{policy.region}:${{AWS::AccountId}}:inference-profile/{model.id}")
        expected |= {
            f"{there}::foundation-model/{model.foundation_model}" for there in model.destinations
        }
    assert named == expected
    assert judge["Action"] == "bedrock:ApplyGuardrail"
    own, *profiles = texts(judge["Resource"])
    (guardrail,) = assembly.resources("Gateway", "AWS::Bedrock::Guardrail")
    assert own == f"${{{guardrail}.GuardrailArn}}"
    assert {each.partition(":bedrock:")[2] for each in profiles} == {
        f"{there}:${{AWS::AccountId}}:guardrail-profile/us.guardrail.v1:0"
        for there in ("us-east-1", "us-east-2", "us-west-2")
    }
    assert attest["Action"] == "dynamodb:PutItem"
    assert attest["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [f"ATTEST#{name}"]}
    }


@pytest.mark.parametrize(("region", "profile"), [("us-east-1", "us"), ("ap-northeast-1", "apac")])
def test_the_guardrail_knows_the_region_s_language(
    assembly: Assembly, region: str, profile: str
) -> None:
    """Tier CLASSIC is blind to Japanese; STANDARD needs the geography's profile."""
    (guardrail,) = assembly.resources("Gateway", "AWS::Bedrock::Guardrail", region).values()
    filters = guardrail["Properties"]["ContentPolicyConfig"]
    assert filters["ContentFiltersTierConfig"] == {"TierName": "STANDARD"}
    judged = text(guardrail["Properties"]["CrossRegionConfig"]["GuardrailProfileArn"])
    assert judged.endswith(f":guardrail-profile/{profile}.guardrail.v1:0")
    strengths = {each["Type"]: each for each in filters["FiltersConfig"]}
    assert strengths.keys() == {
        *("HATE", "INSULTS", "MISCONDUCT", "PROMPT_ATTACK", "SEXUAL", "VIOLENCE")
    }
    assert strengths["PROMPT_ATTACK"]["OutputStrength"] == "NONE"


def test_tasks_are_pinned_to_a_version_of_the_guardrail(assembly: Assembly) -> None:
    """Both arms are judged alike, and a change of the filters is a new task definition."""
    (version,) = assembly.resources("Gateway", "AWS::Bedrock::GuardrailVersion")
    for definition in assembly.resources("Gateway", "AWS::ECS::TaskDefinition").values():
        (container,) = definition["Properties"]["ContainerDefinitions"]
        environment = {each["Name"]: text(each["Value"]) for each in container["Environment"]}
        assert environment["GUARDRAIL_VERSION"] == f"${{{version}.Version}}"


def test_capacity_follows_the_load_of_both_arms(assembly: Assembly) -> None:
    """Requests of both target groups per desired task: an average over tasks halves at 50/50."""
    target = assembly.one("Gateway", "AWS::ApplicationAutoScaling::ScalableTarget")
    assert target["ScalableDimension"] == "ecs:service:DesiredCount"
    assert text(target["ResourceId"]) == "service/mangaassist/${GatewayService.Name}"
    assert 3 <= target["MinCapacity"] < target["MaxCapacity"]
    policy = assembly.one("Gateway", "AWS::ApplicationAutoScaling::ScalingPolicy")
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    queries = {each["Id"]: each for each in tracking["CustomizedMetricSpecification"]["Metrics"]}
    assert [name for name, each in queries.items() if each["ReturnData"]] == ["load"]
    assert queries["load"]["Expression"] == "(FILL(primary, 0) + FILL(canary, 0)) / desired"
    for name in ("primary", "canary"):
        metric = queries[name]["MetricStat"]["Metric"]
        dimensions = {each["Name"]: text(each["Value"]) for each in metric["Dimensions"]}
        assert metric["MetricName"] == "RequestCount"
        assert f"{name.capitalize()}TargetGroup" in dimensions["TargetGroup"]
    metric = queries["desired"]["MetricStat"]["Metric"]
    assert (metric["Namespace"], metric["MetricName"]) == (
        "ECS/ContainerInsights",
        "DesiredTaskCount",
    )


def test_a_deploy_does_not_set_the_desired_count(assembly: Assembly) -> None:
    """The template would take away in the middle of a day what load has added.

    The sets come after the target, which brings the service to its minimum.
    """
    service = assembly.resources("Gateway", "AWS::ECS::Service")["GatewayService"]["Properties"]
    assert "DesiredCount" not in service
    (target,) = assembly.resources("Gateway", "AWS::ApplicationAutoScaling::ScalableTarget")
    for task_set in assembly.resources("Gateway", "AWS::ECS::TaskSet").values():
        assert target in task_set["DependsOn"]


def test_what_is_guarded_includes_what_tasks_name_by_reference(assembly: Assembly) -> None:
    """Another guardrail version replaces every task, though no task definition's text changes."""
    (guard,) = assembly.resources("Gateway", "Custom::DeployGuard")
    for kind in ("AWS::Bedrock::Guardrail", "AWS::Bedrock::GuardrailVersion"):
        for resource in assembly.resources("Gateway", kind).values():
            assert guard in resource["DependsOn"]


def test_only_the_api_tier_and_a_drill_reach_the_gateway(assembly: Assembly) -> None:
    """They to the balancer, the balancer to the gateway's tasks, nobody else."""
    rules = assembly.resources("Network", "AWS::EC2::SecurityGroupIngress").values()
    groups = assembly.resources("Network", "AWS::EC2::SecurityGroup")

    def described(reference: dict[str, list[str]]) -> str:
        return groups[reference["Fn::GetAtt"][0]]["Properties"]["GroupDescription"]

    callers = {
        (
            described(each["Properties"]["GroupId"]),
            described(each["Properties"]["SourceSecurityGroupId"]),
            each["Properties"]["FromPort"],
        )
        for each in rules
    }
    balancer, tasks = "Load balancer of the gateway", "Tasks of the model gateway"
    assert {each for each in callers if each[0] in {balancer, tasks}} == {
        (balancer, "Tasks of the API", 80),
        (balancer, "Function that talks for a fire drill", 80),
        (tasks, balancer, 8080),
    }
    for group in groups.values():
        if group["Properties"]["GroupDescription"] in {balancer, tasks}:
            assert "SecurityGroupIngress" not in group["Properties"]
