"""The region's network: three zones, one public face, and no way out for what runs inside."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from constructs import Construct

__all__ = ["IsolatedVpc"]

INTERFACE_ENDPOINTS = {
    "BedrockRuntime": "bedrock-runtime",
    "CodeDeploy": "codedeploy",
    "EcrApi": "ecr.api",
    "EcrDocker": "ecr.dkr",
    "Logs": "logs",
    "SageMakerRuntime": "sagemaker.runtime",
    "SecretsManager": "secretsmanager",
    "Ssm": "ssm",
    "XRay": "xray",
}
"""The services that tasks and the function inside the network call, by construct id."""


class IsolatedVpc(Construct):
    """A VPC whose only public subnets are for the public load balancer.

    Isolated subnets have no route to the internet: what runs there reaches AWS through `endpoints`,
    the security group of the interface endpoints, and through gateway endpoints.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, zones: Sequence[str], logs: s3.IBucket
    ) -> None:
        super().__init__(scope, construct_id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            availability_zones=list(zones),
            nat_gateways=0,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    map_public_ip_on_launch=False,
                    cidr_mask=24,
                ),
                ec2.SubnetConfiguration(
                    name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=20
                ),
            ],
            flow_logs={
                "ToBucket": ec2.FlowLogOptions(
                    destination=ec2.FlowLogDestination.to_s3(logs, "flow-logs/")
                )
            },
        )
        isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        self.endpoints = ec2.SecurityGroup(
            self,
            "Endpoints",
            vpc=self.vpc,
            description="Interface endpoints of the AWS services called from inside",
            allow_all_outbound=False,
        )
        for name, service in INTERFACE_ENDPOINTS.items():
            self.vpc.add_interface_endpoint(
                name,
                service=ec2.InterfaceVpcEndpointAwsService(service),
                subnets=isolated,
                security_groups=[self.endpoints],
                open=False,
            )
        for name, gateway in (
            ("S3", ec2.GatewayVpcEndpointAwsService.S3),
            ("DynamoDb", ec2.GatewayVpcEndpointAwsService.DYNAMODB),
        ):
            self.vpc.add_gateway_endpoint(name, service=gateway, subnets=[isolated])
