"""The network: three zones, one public face, no way out."""

from __future__ import annotations

import json

import pytest

from tests.stacks.assembly import Assembly, text


@pytest.mark.parametrize(("region", "zones"), [("us-east-1", "abc"), ("ap-northeast-1", "acd")])
def test_zones_come_from_the_policy(assembly: Assembly, region: str, zones: str) -> None:
    """Synthesis asks no account which zones there are."""
    subnets = assembly.resources("Network", "AWS::EC2::Subnet", region).values()
    used = sorted({each["Properties"]["AvailabilityZone"] for each in subnets})
    assert used == [f"{region}{letter}" for letter in zones]
    assert len(subnets) == 6


def test_isolated_subnets_have_no_route_out(assembly: Assembly) -> None:
    """Only the public load balancer's subnets have a default route, and nothing translates."""
    routes = assembly.resources("Network", "AWS::EC2::Route").values()
    assert len(routes) == 3
    assert all("Public" in text(each["Properties"]["RouteTableId"]) for each in routes)
    assert not assembly.resources("Network", "AWS::EC2::NatGateway")


def test_what_tasks_call_has_an_endpoint_that_only_they_reach(assembly: Assembly) -> None:
    """Interface endpoints behind one group, and the two gateways."""
    endpoints = [
        each["Properties"]
        for each in assembly.resources("Network", "AWS::EC2::VPCEndpoint").values()
    ]
    interface = [each for each in endpoints if each["VpcEndpointType"] == "Interface"]
    assert {text(each["ServiceName"]).split("us-east-1.")[-1] for each in interface} == {
        "bedrock-runtime",
        "codedeploy",
        "ecr.api",
        "ecr.dkr",
        "logs",
        "sagemaker.runtime",
        "secretsmanager",
        "ssm",
        "xray",
    }
    assert len(endpoints) == len(interface) + 2
    for each in interface:
        assert each["PrivateDnsEnabled"] is True
        assert len(each["SecurityGroupIds"]) == 1


def test_only_the_public_load_balancer_is_open_to_the_world(assembly: Assembly) -> None:
    """Every other way in is from a security group of ours."""
    groups = assembly.resources("Network", "AWS::EC2::SecurityGroup")
    open_groups = {
        name: sorted(rule["FromPort"] for rule in each["Properties"]["SecurityGroupIngress"])
        for name, each in groups.items()
        if "SecurityGroupIngress" in each["Properties"]
    }
    ((name, ports),) = open_groups.items()
    assert "PublicBalancer" in name
    assert ports == [80, 443]
    for rule in assembly.resources("Network", "AWS::EC2::SecurityGroupIngress").values():
        assert "SourceSecurityGroupId" in rule["Properties"]


def test_traffic_is_logged(assembly: Assembly) -> None:
    """Flow logs of the VPC, and access logs of every load balancer."""
    assert assembly.one("Network", "AWS::EC2::FlowLog")["TrafficType"] == "ALL"
    balancers = [
        each["Properties"]
        for stack in ("Traffic", "Api")
        for each in assembly.resources(stack, "AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    ]
    assert len(balancers) == 3
    for balancer in balancers:
        attributes = {each["Key"]: each["Value"] for each in balancer["LoadBalancerAttributes"]}
        assert attributes["access_logs.s3.enabled"] == "true"
        if balancer["Type"] == "application":
            assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"


def test_the_certificate_is_a_parameter_of_the_region(assembly: Assembly) -> None:
    """A domain belongs to whoever deploys."""
    (parameter,) = [
        each
        for each in assembly.template("Api")["Parameters"].values()
        if each["Default"] == "/mangaassist/api/certificate-arn"
    ]
    assert parameter["Type"] == "AWS::SSM::Parameter::Value<String>"


def test_the_api_s_tasks_have_what_their_contract_lists(assembly: Assembly) -> None:
    """Environment, port, and a password that is no plain variable."""
    definition = assembly.one("Api", "AWS::ECS::TaskDefinition")
    (container,) = definition["ContainerDefinitions"]
    assert {each["Name"] for each in container["Environment"]} == {
        "GATEWAY_URL",
        "CACHE_HOST",
        "CACHE_PORT",
        "CACHE_TLS",
        "CACHE_USER",
        "PARAMETER_PREFIX",
        "INTENT_ENDPOINT",
        "METRICS_NAMESPACE",
        "CACHED_INTENTS",
    }
    assert [each["Name"] for each in container["Secrets"]] == ["CACHE_SECRET"]
    assert "password" not in json.dumps(container["Environment"]).lower()
    assert container["PortMappings"][0]["ContainerPort"] == 8080
    service = assembly.one("Api", "AWS::ECS::Service")
    assert service["ServiceName"] == "api"
