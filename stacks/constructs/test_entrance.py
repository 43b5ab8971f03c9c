"""The private way to the test listener of a load balancer that is public.

The name of a public load balancer resolves to public addresses, which nothing in an isolated
subnet can reach. A network load balancer inside the network takes its connections to the one port.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_elasticloadbalancingv2_targets as targets
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.paths import HTTP, TEST_PORT

__all__ = ["TestEntrance"]


class TestEntrance(Construct):
    """`url` is where the smoke test finds the test listener."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        group: ec2.ISecurityGroup,
        access_logs: s3.IBucket,
        test_listener: elb.ApplicationListener,
    ) -> None:
        super().__init__(scope, construct_id)
        entrance = elb.NetworkLoadBalancer(
            self,
            "Balancer",
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            internet_facing=False,
            security_groups=[group],
            cross_zone_enabled=True,
            deletion_protection=True,
        )
        entrance.log_access_logs(access_logs, "load-balancers/test-entrance")
        listener = entrance.add_listener("Listener", port=HTTP)
        listener.add_targets(
            "TestListener",
            port=TEST_PORT,
            targets=[targets.AlbListenerTarget(test_listener)],
            health_check=elb.HealthCheck(
                protocol=elb.Protocol.HTTP,
                path="/healthz",
                # Whatever a new image answers is the smoke test's business: the listener is there.
                healthy_http_codes="200-599",
                interval=cdk.Duration.seconds(30),
            ),
        )
        self.url = f"http://{entrance.load_balancer_dns_name}"
