"""Resource types: each is created with the right references, or refused by name."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import redis
from botocore.exceptions import ClientError

from canary.local.cloudformation import HANDLED, Made, classify, load_resources
from canary.local.emulator import ACCOUNT, Emulator
from canary.local.parts import Parts
from canary.local.shapes import to_request
from tests.local.emulator.bench import (
    REGION,
    ROLE,
    eventually,
    lines_of,
    make_function,
    make_stack,
)

NETWORK = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.1.0.0/16"}},
    **{
        f"Subnet{zone}": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": f"10.1.{index}.0/24",
                "AvailabilityZone": f"{REGION}{zone}",
            },
        }
        for index, zone in enumerate("ab")
    },
}


def get(logical_id: str, attribute: str) -> dict[str, Any]:
    return {"Value": {"Fn::GetAtt": [logical_id, attribute]}}


def ref(logical_id: str) -> dict[str, Any]:
    return {"Value": {"Ref": logical_id}}


def test_type_when_nobody_handles_it_then_stack_fails_naming_it(emulator: Emulator) -> None:
    """A type that would be skipped in silence is an error with its name and logical id."""
    template = {"Resources": {"Odd": {"Type": "AWS::QLDB::Ledger", "Properties": {}}}}
    with pytest.raises(ClientError, match=r"Odd \(AWS::QLDB::Ledger\).*no resource of this type"):
        make_stack(emulator, "odd", template)


def test_resource_when_it_fails_then_stack_error_names_it(emulator: Emulator) -> None:
    """A failing resource is named with its type and the reason, instead of an HTTP 500."""
    properties = {"Cluster": "missing", "Service": "missing", "TaskDefinition": "missing"}
    template = {"Resources": {"Set": {"Type": "AWS::ECS::TaskSet", "Properties": properties}}}
    with pytest.raises(ClientError, match=r"Set \(AWS::ECS::TaskSet\): ClusterNotFound"):
        make_stack(emulator, "failing", template)


def test_resource_when_it_cannot_be_updated_then_stack_error_says_so(emulator: Emulator) -> None:
    """A change that would be forgotten in silence is refused by name, and the stack goes back."""

    def template(days: int) -> dict[str, Any]:
        properties = {"LogGroupName": "/updated", "RetentionInDays": days}
        return {"Resources": {"Lines": {"Type": "AWS::Logs::LogGroup", "Properties": properties}}}

    make_stack(emulator, "updated", template(7))
    client = emulator.client("cloudformation")
    client.update_stack(StackName="updated", TemplateBody=json.dumps(template(14)))
    (event, *_) = client.describe_stack_events(StackName="updated")["StackEvents"]
    assert event["ResourceStatus"] == "UPDATE_ROLLBACK_FAILED"
    reason = event["ResourceStatusReason"]
    assert re.search(r"Lines \(AWS::Logs::LogGroup\).*cannot be updated", reason)


def test_property_when_the_api_lacks_it_then_stack_error_names_it(emulator: Emulator) -> None:
    """A property that would have no effect is refused, not dropped."""
    template = {
        "Resources": {
            "Alias": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {"FunctionName": "f", "Name": "a", "Colour": "red"},
            }
        }
    }
    with pytest.raises(ClientError, match="CreateAlias has no member Colour"):
        make_stack(emulator, "coloured", template)


def test_to_request_when_template_has_text_then_types_are_the_apis(emulator: Emulator) -> None:
    """Numbers and booleans written as text reach the API as what they are, in its own spelling."""
    client = emulator.client("ecs")
    properties = {"ServiceName": "s", "DesiredCount": "2", "EnableECSManagedTags": "true"}
    assert to_request(client, "create_service", properties) == {
        "serviceName": "s",
        "desiredCount": 2,
        "enableECSManagedTags": True,
    }


def test_load_balancer_when_created_then_every_attribute_is_right(
    emulator: Emulator, parts: Parts
) -> None:
    """Alarms' dimensions and rules' ARNs come from these attributes."""
    template = {
        "Resources": {
            **NETWORK,
            "Balancer": {
                "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
                "Properties": {
                    "Scheme": "internal",
                    "Subnets": [{"Ref": "Subneta"}, {"Ref": "Subnetb"}],
                },
            },
            "Group": {
                "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
                "Properties": {
                    "Port": 80,
                    "Protocol": "HTTP",
                    "TargetType": "ip",
                    "VpcId": {"Ref": "Vpc"},
                },
            },
            "Listener": {
                "Type": "AWS::ElasticLoadBalancingV2::Listener",
                "Properties": {
                    "LoadBalancerArn": {"Ref": "Balancer"},
                    "Port": 80,
                    "Protocol": "HTTP",
                    "DefaultActions": [
                        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
                    ],
                },
            },
            "Rule": {
                "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
                "Properties": {
                    "ListenerArn": {"Ref": "Listener"},
                    "Priority": 10,
                    "Conditions": [{"Field": "path-pattern", "Values": ["/*"]}],
                    "Actions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Group"}}],
                },
            },
        },
        "Outputs": {
            "Balancer": ref("Balancer"),
            "Name": get("Balancer", "DNSName"),
            "FullName": get("Balancer", "LoadBalancerFullName"),
            "Group": ref("Group"),
            "GroupName": get("Group", "TargetGroupFullName"),
            "Listener": get("Listener", "ListenerArn"),
            "Rule": get("Rule", "RuleArn"),
        },
    }
    out = make_stack(emulator, "balancing", template)
    assert out["FullName"] == out["Balancer"].split(":loadbalancer/")[1]
    assert out["FullName"].startswith("app/")
    assert out["GroupName"] == out["Group"].split(":")[-1]
    assert out["GroupName"].startswith("targetgroup/")
    elb = emulator.client("elbv2")
    (rule,) = elb.describe_rules(RuleArns=[out["Rule"]])["Rules"]
    assert rule["Priority"] == "10"
    (listener,) = elb.describe_listeners(LoadBalancerArn=out["Balancer"])["Listeners"]
    assert listener["ListenerArn"] == out["Listener"]
    host, port = out["Name"].split(":")
    assert (host, int(port)) == parts.addresses.reserve(out["Balancer"])
    assert parts.addresses.socket_of(out["Balancer"]).getsockname() == (host, int(port))


def test_alarms_when_created_then_composite_and_child_exist(emulator: Emulator) -> None:
    """A composite alarm is stored with its rule, and gives its ARN."""
    template = {
        "Resources": {
            "Child": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "AlarmName": "child",
                    "Namespace": "N",
                    "MetricName": "M",
                    "Statistic": "Sum",
                    "Period": "60",
                    "EvaluationPeriods": "1",
                    "Threshold": "1.5",
                    "ComparisonOperator": "GreaterThanThreshold",
                },
            },
            "Both": {
                "Type": "AWS::CloudWatch::CompositeAlarm",
                "Properties": {
                    "AlarmName": "both",
                    "AlarmRule": {"Fn::Sub": 'ALARM("${Child}")'},
                },
            },
        },
        "Outputs": {"Arn": get("Both", "Arn"), "Child": get("Child", "Arn")},
    }
    out = make_stack(emulator, "alarms", template)
    assert out["Arn"] == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:both"
    described = emulator.client("cloudwatch").describe_alarms(
        AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    (composite,) = described["CompositeAlarms"]
    (metric,) = described["MetricAlarms"]
    assert composite["AlarmRule"] == 'ALARM("child")'
    assert (metric["Threshold"], metric["StateValue"]) == (1.5, "INSUFFICIENT_DATA")


def machine(wait: int) -> dict[str, Any]:
    definition = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": wait, "End": True}}}
    return {
        "Resources": {
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "StateMachineName": "release",
                    "RoleArn": ROLE,
                    "DefinitionString": json.dumps(definition),
                },
            },
            "Version": {
                "Type": "AWS::StepFunctions::StateMachineVersion",
                "Properties": {"StateMachineArn": {"Ref": "Machine"}},
            },
        },
        "Outputs": {"Arn": get("Machine", "Arn"), "Version": get("Version", "Arn")},
    }


def test_state_machine_when_created_then_the_api_lists_and_starts_it(emulator: Emulator) -> None:
    """The machine of the template is the one that the API knows, under its own name."""
    out = make_stack(emulator, "machine", machine(1))
    client = emulator.client("stepfunctions")
    arns = {each["stateMachineArn"] for each in client.list_state_machines()["stateMachines"]}
    assert out["Arn"] in arns
    assert out["Arn"].endswith(":stateMachine:release")
    assert out["Version"] == f"{out['Arn']}:1"
    assert client.start_execution(stateMachineArn=out["Version"])["executionArn"]

    emulator.client("cloudformation").update_stack(
        StackName="machine", TemplateBody=json.dumps(machine(7))
    )
    definition = client.describe_state_machine(stateMachineArn=out["Arn"])["definition"]
    assert json.loads(definition)["States"]["W"]["Seconds"] == 7


def test_state_machine_when_it_speaks_jsonata_then_is_refused(emulator: Emulator) -> None:
    """Moto's interpreter needs a JVM for JSONata: an error at deployment, not in a release."""
    template = machine(1)
    template["Resources"]["Machine"]["Properties"] |= {
        "StateMachineName": "jsonata",
        "DefinitionString": json.dumps({"QueryLanguage": "JSONata", "StartAt": "A", "States": {}}),
    }
    with pytest.raises(ClientError, match="only JSONPath"):
        make_stack(emulator, "jsonata", template)


HANDLER = """
import json
def handler(event, context):
    print(json.dumps([event["RequestType"], event["ResourceProperties"]["Parameters"]]))
    if event["ResourceProperties"].get("Fail"):
        raise ValueError("no")
    return {"PhysicalResourceId": "seeded", "Data": {"Count": len(event["ResourceProperties"])}}
"""


def custom(token: str, value: str, **more: Any) -> dict[str, Any]:
    return {
        "Resources": {
            "Seed": {
                "Type": "Custom::SeededParameters",
                "Properties": {"ServiceToken": token, "Parameters": {"a": value}, **more},
            }
        },
        "Outputs": {"Id": ref("Seed"), "Count": get("Seed", "Count")},
    }


@pytest.mark.parametrize("framework", [False, True], ids=["direct", "framework"])
def test_custom_resource_when_created_then_the_templates_function_runs(
    emulator: Emulator, parts: Parts, framework: bool
) -> None:
    """The seed function really runs, also behind the CDK's provider framework, which is Node."""
    name = f"seed-{framework}".lower()
    token = function = make_function(emulator, name, HANDLER)
    if framework:
        variables = {"USER_ON_EVENT_FUNCTION_ARN": function}
        token = make_function(
            emulator,
            f"{name}-framework",
            "",
            Runtime="nodejs22.x",
            Handler="framework.onEvent",
            Environment={"Variables": variables},
        )
    out = make_stack(emulator, name, custom(token, "1"))
    assert out == {"Id": "seeded", "Count": "2"}
    emulator.client("cloudformation").update_stack(
        StackName=name, TemplateBody=json.dumps(custom(token, "2"))
    )
    seen = [json.loads(line) for line in eventually(lambda: lines_of(parts, name))]
    assert seen == [["Create", {"a": "1"}], ["Update", {"a": "2"}]]


def test_custom_resource_when_function_fails_then_stack_says_why(emulator: Emulator) -> None:
    """A seed that fails stops the deployment with the function's own words."""
    token = make_function(emulator, "seed-fails", HANDLER)
    with pytest.raises(ClientError, match=r"Seed \(Custom::SeededParameters\).*ValueError: no"):
        make_stack(emulator, "seed-fails", custom(token, "1", Fail=True))


def test_cache_when_created_then_its_endpoint_is_the_real_one(
    emulator: Emulator, parts: Parts
) -> None:
    """Services reach Valkey at the address and with the user and password of the template."""
    template = {
        "Resources": {
            "Secret": {
                "Type": "AWS::SecretsManager::Secret",
                "Properties": {
                    "Name": "cache",
                    "GenerateSecretString": {
                        "SecretStringTemplate": '{"username": "api"}',
                        "GenerateStringKey": "password",
                    },
                },
            },
            "User": {
                "Type": "AWS::ElastiCache::User",
                "Properties": {
                    "UserId": "api",
                    "UserName": "api",
                    "Engine": "valkey",
                    "AccessString": "on ~* +@all",
                    "AuthenticationMode": {
                        "Type": "password",
                        "Passwords": [
                            {
                                "Fn::Sub": "{{resolve:secretsmanager:${Secret}"
                                ":SecretString:password::}}"
                            }
                        ],
                    },
                },
            },
            "Cache": {
                "Type": "AWS::ElastiCache::ReplicationGroup",
                "Properties": {"ReplicationGroupDescription": "d", "Engine": "valkey"},
            },
        },
        "Outputs": {
            "Host": get("Cache", "PrimaryEndPoint.Address"),
            "Port": get("Cache", "PrimaryEndPoint.Port"),
        },
    }
    out = make_stack(emulator, "cache", template)
    assert (out["Host"], int(out["Port"])) == parts.cache.address
    secret = emulator.client("secretsmanager").get_secret_value(SecretId="cache")["SecretString"]
    place = {"host": out["Host"], "port": int(out["Port"]), "username": "api"}
    client = redis.Redis(**place, password=json.loads(secret)["password"])
    assert client.set("k", "v") is True
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(**place, password="wrong").ping()


def test_classify_when_custom_type_has_no_entry_then_is_live() -> None:
    """Every custom resource is run by the template's function, except the CDK's own Node ones."""
    load_resources()
    general = classify("Custom::Anything")
    assert general is not None
    assert general.kind == "live"
    assert HANDLED["Custom::LogRetention"].kind == "not run"
    assert classify("AWS::Nothing::AtAll") is None


def test_made_when_it_has_no_attributes_then_gives_its_id_only() -> None:
    """`Ref` needs an id; attributes are what a type adds."""
    assert Made("x").attributes == {}
