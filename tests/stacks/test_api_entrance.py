"""How customers reach the API, and how nobody else does: listeners, firewall, test entrance."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stacks.assembly import Assembly, text

ELB = "AWS::ElasticLoadBalancingV2"


@pytest.fixture(scope="module")
def listeners(assembly: Assembly) -> dict[int, dict[str, Any]]:
    """The listeners of the public load balancer by port."""
    found = assembly.resources("Api", f"{ELB}::Listener")
    return {
        each["Properties"]["Port"]: each["Properties"]
        for name, each in found.items()
        if not name.startswith("TestEntrance")
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
