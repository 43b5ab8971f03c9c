"""What runs in a task of the API."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import (
    aws_ecs as ecs,
)
from aws_cdk import (
    aws_iam as iam,
)
from aws_cdk import (
    aws_logs as logs,
)
from constructs import Construct

from canary.policy.compiled import Intent
from stacks import names
from stacks.acknowledge import acknowledge
from stacks.constructs.cache import SessionCache
from stacks.constructs.image import RUNTIME_PLATFORM, service_image
from stacks.constructs.paths import SERVICE_PORT
from stacks.constructs.permissions import parameter_arn

__all__ = ["CONTAINER", "ApiTask"]

CONTAINER = "api"


class ApiTask(Construct):
    """The newest `definition` of family `mangaassist-api`: what the next deployment starts.

    A task reads the assignment, asks the intent endpoint, sends sampled traces, and may do
    nothing else.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cache: SessionCache,
        gateway_url: str,
        intents: Sequence[Intent],
        log_group: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self.definition = ecs.FargateTaskDefinition(
            self,
            "Definition",
            family=names.API_FAMILY,
            cpu=1024,
            memory_limit_mib=2048,
            runtime_platform=RUNTIME_PLATFORM,
        )
        self.definition.add_container(
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
                "CACHED_INTENTS": ",".join(each.name for each in intents if each.cached),
            },
            secrets={"CACHE_SECRET": ecs.Secret.from_secrets_manager(cache.secret)},
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix="api",
                log_group=log_group,
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
            ("xray:PutTraceSegments", "*"),
        ):
            self.definition.add_to_task_role_policy(
                iam.PolicyStatement(actions=[action], resources=[resource])
            )
        acknowledge(
            self.definition,
            "AwsSolutions-IAM5[Resource::*]",
            "ecr:GetAuthorizationToken, in the execution role made by the CDK, and "
            "xray:PutTraceSegments, for sampled traces, know no resources.",
        )
        acknowledge(
            self.definition,
            "AwsSolutions-ECS2",
            "The variables are names and places; the cache's password is a secret.",
        )
