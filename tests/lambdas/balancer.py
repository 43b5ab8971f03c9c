"""The gateway's load balancer, on moto."""

from __future__ import annotations

from typing import Any


def build_balancer(elbv2: Any, ec2: Any) -> tuple[dict[str, str], dict[str, str]]:
    """The three rules and the two target groups, by name; everything is on the primary."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{zone}"
        )
        for n, zone in enumerate("ab")
    ]
    balancer = elbv2.create_load_balancer(
        Name="gateway", Subnets=[item["Subnet"]["SubnetId"] for item in subnets]
    )["LoadBalancers"][0]["LoadBalancerArn"]
    groups = {
        name: elbv2.create_target_group(
            Name=name, Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip"
        )["TargetGroups"][0]["TargetGroupArn"]
        for name in ("primary", "canary")
    }
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[
            {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}},
        ],
    )["Listeners"][0]["ListenerArn"]
    rules = {}
    for priority, name in ((10, "control"), (20, "canary"), (30, "draw")):
        condition = (
            {"Field": "path-pattern", "Values": ["/*"]}
            if name == "draw"
            else {
                "Field": "http-header",
                "HttpHeaderConfig": {"HttpHeaderName": "x-canary-arm", "Values": [name]},
            }
        )
        rules[name] = elbv2.create_rule(
            ListenerArn=listener,
            Priority=priority,
            Conditions=[condition],
            Actions=[
                {
                    "Type": "forward",
                    "ForwardConfig": {
                        "TargetGroups": [
                            {"TargetGroupArn": groups["primary"], "Weight": 100},
                            {"TargetGroupArn": groups["canary"], "Weight": 0},
                        ]
                    },
                }
            ],
        )["Rules"][0]["RuleArn"]
    return rules, groups
