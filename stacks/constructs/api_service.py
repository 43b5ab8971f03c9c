"""The API's tasks behind the public load balancer."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import (
    aws_ec2 as ec2,
)
from aws_cdk import (
    aws_ecs as ecs,
)
from aws_cdk import (
    aws_elasticloadbalancingv2 as elb,
)
from aws_cdk import (
    aws_iam as iam,
)
from aws_cdk import (
    aws_logs as logs,
)
from constructs import Construct

from stacks import names
from stacks.acknowledge import acknowledge
from stacks.constructs.cache import SessionCache
from stacks.constructs.image import RUNTIME_PLATFORM, service_image
from stacks.constructs.paths import SERVICE_PORT
from stacks.constructs.permissions import parameter_arn

__all__ = ["ApiService"]

CONTAINER = "api"
DESIRED_TASKS = 3


class ApiService(Construct):
    """Fargate service `api`, rolled by ECS; `target_group` is where its load balancer forwards."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: ecs.ICluster,
        group: ec2.ISecurityGroup,
        cache: SessionCache,
        gateway_url: str,
        log_group: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self._log_group = log_group
        definition = self._definition(cache, gateway_url)
        service = ecs.FargateService(
            self,
            "Service",
            service_name="api",
            cluster=cluster,
            task_definition=definition,
            desired_count=DESIRED_TASKS,
            min_healthy_percent=100,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[group],
            health_check_grace_period=cdk.Duration.seconds(60),
        )
        self.target_group = elb.ApplicationTargetGroup(
            self,
            "Targets",
            vpc=cluster.vpc,
            port=SERVICE_PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            target_type=elb.TargetType.IP,
            deregistration_delay=cdk.Duration.seconds(60),
            health_check=elb.HealthCheck(
                path="/healthz", healthy_http_codes="200", interval=cdk.Duration.seconds(10)
            ),
        )
        service.attach_to_application_target_group(self.target_group)

    def _definition(self, cache: SessionCache, gateway_url: str) -> ecs.FargateTaskDefinition:
        definition = ecs.FargateTaskDefinition(
            self,
            "Definition",
            family="mangaassist-api",
            cpu=1024,
            memory_limit_mib=2048,
            runtime_platform=RUNTIME_PLATFORM,
        )
        definition.add_container(
            CONTAINER,
            container_name=CONTAINER,
            image=service_image(self, "api"),
            memory_reservation_mib=1024,
            port_mappings=[ecs.PortMapping(container_port=SERVICE_PORT)],
            environment={
                "GATEWAY_URL": gateway_url,
                "CACHE_HOST": cache.host,
                "CACHE_PORT": cache.port,
                "CACHE_TLS": "true",
                "CACHE_USER": cache.user,
                "PARAMETER_PREFIX": names.PREFIX,
                "INTENT_ENDPOINT": names.INTENT_ENDPOINT,
                "METRICS_NAMESPACE": names.NAMESPACE,
            },
            secrets={"CACHE_SECRET": ecs.Secret.from_secrets_manager(cache.secret)},
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix="api",
                log_group=self._log_group,
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,
            ),
            stop_timeout=cdk.Duration.seconds(90),
        )
        endpoint = cdk.Stack.of(self).format_arn(
            service="sagemaker", resource="endpoint", resource_name=names.INTENT_ENDPOINT
        )
        for action, resource in (
            ("ssm:GetParameter", parameter_arn(self, "assignment")),
            ("sagemaker:InvokeEndpoint", endpoint),
        ):
            definition.add_to_task_role_policy(
                iam.PolicyStatement(actions=[action], resources=[resource])
            )
        acknowledge(
            definition,
            "AwsSolutions-IAM5[Resource::*]",
            "ecr:GetAuthorizationToken, in the execution role made by the CDK, knows no resources.",
        )
        acknowledge(
            definition,
            "AwsSolutions-ECS2",
            "The variables are names and places; the cache's password is a secret.",
        )
        return definition
