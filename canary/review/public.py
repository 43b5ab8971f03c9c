"""The page's part on what is open: to the internet, to other accounts, to anyone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from canary.review.assembly import Region, Stack
from canary.review.blocks import Block, items
from canary.review.names import Names
from canary.review.sentences import spoken_resource
from canary.review.statements import Statement, on_resources

__all__ = ["public_block", "public_things"]

_EVERYWHERE = {"0.0.0.0/0", "::/0"}
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_OWN = ("this account", "{account}", ".amazonaws.com")


def public_block(region: Region, names: Names) -> Block:
    """Everything public of a region; what is not listed is private."""
    nothing = "Nothing."
    return Block("What is public", items(sorted(set(public_things(region, names))), nothing))


def public_things(region: Region, names: Names) -> Iterator[str]:
    """One sentence a thing that somebody outside the account can reach."""
    for stack in region.stacks:
        for logical_id, resource in stack.resources.items():
            properties = resource.get("Properties", {})
            reader = _READERS.get(resource["Type"])
            if reader:
                label = names.label(stack, logical_id)
                yield from (f"{label} {what}" for what in reader(stack, properties, names))
    for label, statements in on_resources(region, names):
        for statement in statements:
            yield from (f"{label} {what}" for what in _strangers(statement))


def _balancer(_stack: Stack, properties: Mapping[str, Any], _names: Names) -> Iterator[str]:
    if properties.get("Scheme", "internet-facing") == "internet-facing":
        yield "faces the internet"


def _listener(stack: Stack, properties: Mapping[str, Any], names: Names) -> Iterator[str]:
    target = names.target(stack, properties["LoadBalancerArn"])
    if target is None:
        return
    balancer = target[0].resources[target[1]]["Properties"]
    if balancer.get("Scheme", "internet-facing") == "internet-facing":
        policy = properties.get("SslPolicy")
        how = f", {policy}" if policy else ""
        first = properties.get("DefaultActions", [{}])[0].get("Type", "")
        open_to_all = _admitted(target[0], balancer, names, int(properties.get("Port", 0)))
        whom = "" if open_to_all else ", to whom its security groups admit"
        yield (
            f"answers on port {properties.get('Port')} "
            f"({properties.get('Protocol')}{how}): {first}{whom}"
        )


def _admitted(stack: Stack, balancer: Mapping[str, Any], names: Names, port: int) -> bool:
    """Whether a balancer's groups admit everybody to a port; yes where a group is not known."""
    for value in balancer.get("SecurityGroups", ()):
        target = names.target(stack, value)
        if target is None:
            return True
        group = target[0].resources[target[1]].get("Properties", {})
        for rule in group.get("SecurityGroupIngress", ()):
            everybody = _EVERYWHERE & {str(rule.get("CidrIp")), str(rule.get("CidrIpv6"))}
            if everybody and rule.get("FromPort", port) <= port <= rule.get("ToPort", port):
                return True
    return not balancer.get("SecurityGroups")


def _group(stack: Stack, properties: Mapping[str, Any], names: Names) -> Iterator[str]:
    for rule in properties.get("SecurityGroupIngress", ()):
        yield from _ingress(stack, rule, names)


def _ingress(_stack: Stack, rule: Mapping[str, Any], _names: Names) -> Iterator[str]:
    sources = _EVERYWHERE & {str(rule.get("CidrIp")), str(rule.get("CidrIpv6"))}
    if sources:
        first, last = rule.get("FromPort", "any"), rule.get("ToPort", "any")
        ports = f"port {first}" if first == last else f"ports {first} to {last}"
        yield f"admits {', '.join(sorted(sources))} to {ports} ({rule.get('IpProtocol')})"


def _bucket(_stack: Stack, properties: Mapping[str, Any], _names: Names) -> Iterator[str]:
    block = properties.get("PublicAccessBlockConfiguration", {})
    missing = [name for name in _BLOCKS if block.get(name) is not True]
    if missing:
        yield f"does not block public access ({', '.join(missing)})"


def _route(_stack: Stack, properties: Mapping[str, Any], _names: Names) -> Iterator[str]:
    if properties.get("DestinationCidrBlock") in _EVERYWHERE and "GatewayId" in properties:
        yield "leads to the internet gateway"


def _service(_stack: Stack, properties: Mapping[str, Any], _names: Names) -> Iterator[str]:
    network = properties.get("NetworkConfiguration", {})
    configuration = network.get("AwsvpcConfiguration", network.get("AwsVpcConfiguration", {}))
    if configuration.get("AssignPublicIp") == "ENABLED":
        yield "gives its tasks public addresses"


def _url(_stack: Stack, properties: Mapping[str, Any], _names: Names) -> Iterator[str]:
    yield f"has a URL of its own (authentication: {properties.get('AuthType')})"


def _subnet(_stack: Stack, properties: Mapping[str, Any], _names: Names) -> Iterator[str]:
    if properties.get("MapPublicIpOnLaunch") is True:
        yield "gives public addresses to what starts in it"


_READERS = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _balancer,
    "AWS::ElasticLoadBalancingV2::Listener": _listener,
    "AWS::EC2::SecurityGroup": _group,
    "AWS::EC2::SecurityGroupIngress": _ingress,
    "AWS::EC2::Route": _route,
    "AWS::EC2::Subnet": _subnet,
    "AWS::S3::Bucket": _bucket,
    "AWS::ECS::Service": _service,
    "AWS::ECS::TaskSet": _service,
    "AWS::Lambda::Url": _url,
}


def _strangers(statement: Statement) -> Iterator[str]:
    if not statement.allows:
        return
    codes = ", ".join(f"`{action}`" for action in statement.actions)
    places = ", ".join(map(spoken_resource, statement.resources))
    where = f" on {places}" if places else ""
    when = f", if {'; '.join(statement.conditions)}" if statement.conditions else ""
    for principal in statement.principals:
        if principal == "*":
            yield f"lets **anyone** do {codes}{where}{when}"
        elif not any(own in principal for own in _OWN):
            yield f"lets `{principal}` do {codes}{where}{when}"
