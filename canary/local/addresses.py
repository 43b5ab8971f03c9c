"""Where load balancers answer on this machine: their DNS name is a host and a port."""

from __future__ import annotations

import socket
from typing import Any

from moto.elbv2.models import (
    ELBv2Backend,
    FakeListener,
    FakeListenerRule,
    FakeLoadBalancer,
    FakeTargetGroup,
)

from canary.local.patches import Patches

__all__ = ["Addresses"]


class Addresses:
    """Ports of load balancers, bound when the balancer is created so that nobody else gets them."""

    def __init__(self) -> None:
        self._sockets: dict[str, socket.socket] = {}

    def reserve(self, load_balancer_arn: str) -> tuple[str, int]:
        """Bind a port for the load balancer; the same one when asked again."""
        if load_balancer_arn not in self._sockets:
            bound = socket.socket()
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(("127.0.0.1", 0))
            self._sockets[load_balancer_arn] = bound
        host, port = self._sockets[load_balancer_arn].getsockname()
        return str(host), int(port)

    def socket_of(self, load_balancer_arn: str) -> socket.socket:
        """The bound socket, for the load balancer that listens on it.

        Raises `KeyError` for an unknown load balancer.
        """
        return self._sockets[load_balancer_arn]

    def close(self) -> None:
        """Give every port back."""
        for bound in self._sockets.values():
            bound.close()
        self._sockets.clear()

    def install(self, patches: Patches) -> None:
        """Give load balancers these names, and all of the four types their attributes."""
        _resolve_names_to_this_machine(patches, self)
        _keep_the_type(patches)
        _know_every_attribute(patches)


def _resolve_names_to_this_machine(patches: Patches, addresses: Addresses) -> None:
    """Moto's load balancers have names that no resolver knows."""
    original = ELBv2Backend.create_load_balancer

    def create_load_balancer(self: ELBv2Backend, *arguments: Any, **named: Any) -> FakeLoadBalancer:
        made = original(self, *arguments, **named)
        host, port = addresses.reserve(made.arn)
        made.dns_name = f"{host}:{port}"
        return made

    patches.set(ELBv2Backend, "create_load_balancer", create_load_balancer)


def _keep_the_type(patches: Patches) -> None:
    """Moto makes an application load balancer of every one in a template."""
    original = FakeLoadBalancer.create_from_cloudformation_json

    def create_from_cloudformation_json(
        _cls: type[FakeLoadBalancer],
        /,
        resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
        **named: Any,
    ) -> FakeLoadBalancer:
        made = original(resource_name, cloudformation_json, account_id, region_name, **named)
        made.type = cloudformation_json["Properties"].get("Type", "application")
        return made

    patches.set(
        FakeLoadBalancer,
        "create_from_cloudformation_json",
        classmethod(create_from_cloudformation_json),
    )


def _know_every_attribute(patches: Patches) -> None:
    """Moto lacks most of what `Fn::GetAtt` gives for these types, partly in silence."""
    for kind, attributes in {
        FakeLoadBalancer: lambda it: {
            "DNSName": it.dns_name,
            "LoadBalancerArn": it.arn,
            "LoadBalancerFullName": it.arn.split("loadbalancer/", 1)[1],
            "LoadBalancerName": it.name,
            "CanonicalHostedZoneID": "Z35SXDOTRQ7X7K",
            "SecurityGroups": it.security_groups,
        },
        FakeTargetGroup: lambda it: {
            "TargetGroupArn": it.arn,
            "TargetGroupFullName": it.arn.split(":", 5)[5],
            "TargetGroupName": it.name,
            "LoadBalancerArns": it.load_balancer_arns,
        },
        FakeListener: lambda it: {"ListenerArn": it.arn},
        FakeListenerRule: lambda it: {"RuleArn": it.arn, "IsDefault": False},
    }.items():
        patches.set(kind, "get_cfn_attribute", _lookup(attributes))
        patches.set(kind, "has_cfn_attr", classmethod(lambda _cls, _name: True))


def _lookup(attributes: Any) -> Any:
    def get_cfn_attribute(self: Any, name: str) -> Any:
        return attributes(self)[name]

    return get_cfn_attribute
