"""Who may talk to whom inside the network, all of it in one place."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.acknowledge import acknowledge

__all__ = ["CACHE_PORT", "HTTP", "HTTPS", "SERVICE_PORT", "TEST_PORT", "Paths"]

HTTP = 80
HTTPS = 443
SERVICE_PORT = 8080
CACHE_PORT = 6380
TEST_PORT = 9000
"""Where the public load balancer shows the image that is being deployed, to nobody outside."""


class Paths(Construct):
    """The security groups of everything that listens or calls, and the flows between them.

    Tasks and functions may open connections anywhere: their subnets have no route out but the
    endpoints, and a gateway endpoint can only be named by a prefix list that needs a lookup.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        endpoints: ec2.SecurityGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self._vpc = vpc
        self.public_balancer = self._group("PublicBalancer", "Public load balancer of the API")
        self.api = self._group("Api", "Tasks of the API", calls_out=True)
        self.gateway_balancer = self._group("GatewayBalancer", "Load balancer of the gateway")
        self.gateway = self._group("Gateway", "Tasks of the model gateway", calls_out=True)
        self.cache = self._group("Cache", "The cache of sessions")
        self.session_flag = self._group(
            "SessionFlag", "Function that writes the kill switch", calls_out=True
        )
        self.publish_bandits = self._group(
            "PublishBandits", "Function that writes what bandits serve", calls_out=True
        )

        self.test_entrance = self._group("TestEntrance", "Private way to the test listener")
        self.smoke_test = self._group(
            "SmokeTest", "Function that tests a new image", calls_out=True
        )

        self.probe = self._group("Probe", "Function that talks for a fire drill", calls_out=True)

        for port in (HTTP, HTTPS):
            self.public_balancer.add_ingress_rule(
                ec2.Peer.any_ipv4(), ec2.Port.tcp(port), "Customers"
            )
        acknowledge(
            self.public_balancer,
            "AwsSolutions-EC23",
            "The public load balancer is the product's front door: customers come from anywhere, "
            "on 80 (redirected) and 443 only.",
        )
        self._allow(self.public_balancer, self.api, SERVICE_PORT)
        for caller in (self.api, self.probe):
            self._allow(caller, self.gateway_balancer, HTTP)
        self._allow(self.gateway_balancer, self.gateway, SERVICE_PORT)
        self._allow(self.smoke_test, self.test_entrance, HTTP)
        self._allow(self.test_entrance, self.public_balancer, TEST_PORT)
        for caller in (self.api, self.session_flag, self.publish_bandits):
            self._allow(caller, self.cache, CACHE_PORT)
        for caller in (
            *(self.api, self.gateway, self.session_flag),
            *(self.publish_bandits, self.smoke_test),
        ):
            self._allow(caller, endpoints, HTTPS)

    def _group(self, name: str, description: str, *, calls_out: bool = False) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self, name, vpc=self._vpc, description=description, allow_all_outbound=calls_out
        )

    def _allow(self, source: ec2.SecurityGroup, target: ec2.SecurityGroup, port: int) -> None:
        target.add_ingress_rule(source, ec2.Port.tcp(port), f"From {source.node.id}")
        if not source.allow_all_outbound:
            source.add_egress_rule(target, ec2.Port.tcp(port), f"To {target.node.id}")
