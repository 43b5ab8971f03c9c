"""An application load balancer as both of a region's are."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_s3 as s3
from constructs import Construct

__all__ = ["balancer"]


def balancer(
    scope: Construct,
    construct_id: str,
    *,
    vpc: ec2.IVpc,
    group: ec2.ISecurityGroup,
    access_logs: s3.IBucket,
    public: bool,
) -> elb.ApplicationLoadBalancer:
    """A load balancer that drops malformed headers, logs its requests and is hard to delete."""
    subnets = ec2.SubnetType.PUBLIC if public else ec2.SubnetType.PRIVATE_ISOLATED
    result = elb.ApplicationLoadBalancer(
        scope,
        construct_id,
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=subnets),
        internet_facing=public,
        security_group=group,
        drop_invalid_header_fields=True,
        deletion_protection=True,
        http2_enabled=True,
    )
    result.log_access_logs(access_logs, f"load-balancers/{scope.node.id.lower()}")
    return result
