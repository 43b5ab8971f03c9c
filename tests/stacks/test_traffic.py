"""The rules that a release moves, as CloudFormation owns them."""

from __future__ import annotations

import json

import pytest

from tests.stacks.assembly import Assembly

RULES = {
    "ControlHeaderRule": ("10", "x-canary-arm", "control"),
    "CanaryHeaderRule": ("20", "x-canary-arm", "canary"),
    "DrawRule": ("30", None, "/*"),
}
SAFE = [
    {
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": [
                {"TargetGroupArn": {"Ref": "PrimaryTargetGroup"}, "Weight": 100},
                {"TargetGroupArn": {"Ref": "CanaryTargetGroup"}, "Weight": 0},
            ]
        },
    }
]


@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-1"])
@pytest.mark.parametrize("rule", RULES)
def test_rule_is_owned_in_its_safe_form_to_the_byte(
    assembly: Assembly, rule: str, region: str
) -> None:
    """Id, priority, condition and weights are fixed, and nothing volatile such as a tag is there.

    A change of any byte would make CloudFormation write the safe form over live weights.
    """
    priority, header, value = RULES[rule]
    (listener,) = assembly.resources("Traffic", "AWS::ElasticLoadBalancingV2::Listener", region)
    condition = (
        {
            "Field": "http-header",
            "HttpHeaderConfig": {"HttpHeaderName": header, "Values": [value]},
        }
        if header
        else {"Field": "path-pattern", "PathPatternConfig": {"Values": [value]}}
    )
    rules = assembly.resources("Traffic", "AWS::ElasticLoadBalancingV2::ListenerRule", region)
    assert rules.keys() == RULES.keys()
    assert rules[rule] == {
        "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
        "Properties": {
            "Actions": SAFE,
            "Conditions": [condition],
            "ListenerArn": {"Ref": listener},
            "Priority": int(priority),
        },
        "DependsOn": ["DeployGuard"],
    }


def test_a_request_that_no_rule_matches_gets_503(assembly: Assembly) -> None:
    """The listener's default action is fixed: traffic never falls through to an arm."""
    listener = assembly.one("Traffic", "AWS::ElasticLoadBalancingV2::Listener")
    assert (listener["Port"], listener["Protocol"]) == (80, "HTTP")
    (action,) = listener["DefaultActions"]
    assert action["Type"] == "fixed-response"
    assert action["FixedResponseConfig"]["StatusCode"] == "503"


def test_target_groups_keep_their_ids_and_have_nothing_that_replaces_them(
    assembly: Assembly,
) -> None:
    """Two target groups of addresses on port 8080, checked at /healthz, without name or tags."""
    groups = assembly.resources("Traffic", "AWS::ElasticLoadBalancingV2::TargetGroup")
    assert groups.keys() == {"PrimaryTargetGroup", "CanaryTargetGroup"}
    primary, canary = (group["Properties"] for group in groups.values())
    assert primary == canary
    assert not primary.keys() & {"Name", "Tags"}
    assert (primary["Port"], primary["Protocol"], primary["TargetType"]) == (8080, "HTTP", "ip")
    assert primary["HealthCheckPath"] == "/healthz"


def test_gateway_load_balancer_is_internal(assembly: Assembly) -> None:
    """Customers cannot reach the gateway."""
    balancer = assembly.one("Traffic", "AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert balancer["Scheme"] == "internal"


def test_nothing_in_the_traffic_stack_depends_on_what_changes_often(assembly: Assembly) -> None:
    """It imports the network and its guard's function, and a deploy of those touches no rule."""
    imports = json.dumps(assembly.template("Traffic")).split('"Fn::ImportValue": "')[1:]
    (guard,) = {each for each in imports if not each.startswith("mangaassist-network:")}
    assert guard.startswith("mangaassist-state:")
    assert "DeployGuard" in guard
