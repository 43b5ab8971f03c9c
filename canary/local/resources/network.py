"""The network: it exists in the emulator's books, and no packet goes through it."""

from __future__ import annotations

from canary.local.cloudformation import Made, Request, handles, native

_PAPER = "recorded; every process of the region talks over the loopback interface"

for _type in (
    "EIP",
    "InternetGateway",
    "NatGateway",
    "Route",
    "RouteTable",
    "SecurityGroup",
    "SecurityGroupIngress",
    "Subnet",
    "SubnetRouteTableAssociation",
    "VPC",
    "VPCGatewayAttachment",
):
    native(f"AWS::EC2::{_type}", "stand-in", _PAPER)


@handles("AWS::EC2::SecurityGroupEgress", "stand-in", _PAPER)
def security_group_egress(request: Request) -> Made:
    """An outgoing rule."""
    return Made(request.name, {"Id": request.name})


@handles("AWS::EC2::VPCEndpoint", "stand-in", "recorded; the SDKs call the emulator directly")
def vpc_endpoint(request: Request) -> Made:
    """An endpoint of an AWS service inside the network."""
    identity = f"vpce-{request.logical_id.lower()[:17]}"
    return Made(identity, {"Id": identity, "DnsEntries": [], "NetworkInterfaceIds": []})


@handles("AWS::EC2::FlowLog", "not run", "there are no flows to log")
def flow_log(request: Request) -> Made:
    """A flow log that stays empty."""
    identity = f"fl-{request.logical_id.lower()[:17]}"
    return Made(identity, {"Id": identity})


@handles("AWS::WAFv2::WebACL", "not run", "no firewall stands before the load balancer")
def web_acl(request: Request) -> Made:
    """A web access list nobody applies."""
    arn = request.arn("wafv2", f"regional/webacl/{request.name}/{request.logical_id}")
    return Made(f"{request.name}|{request.logical_id}|REGIONAL", {"Arn": arn, "Id": request.name})


@handles("AWS::WAFv2::WebACLAssociation", "not run", "no firewall stands before the load balancer")
def web_acl_association(request: Request) -> Made:
    """An association of an access list that is not applied."""
    return Made(request.name)


@handles("AWS::WAFv2::LoggingConfiguration", "not run", "there is no firewall to log")
def web_acl_logging(request: Request) -> Made:
    """Where a firewall would log."""
    return Made(request.properties["ResourceArn"])
