"""What runs in one of the gateway's task sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import aws_cdk as cdk
from aws_cdk import (
    aws_dynamodb as dynamodb,
)
from aws_cdk import (
    aws_ecs as ecs,
)
from aws_cdk import (
    aws_iam as iam,
)
from aws_cdk import (
    aws_logs as logs,
)
from aws_cdk import (
    aws_ssm as ssm,
)
from constructs import Construct

from canary.policy.compiled import Model
from stacks.acknowledge import acknowledge
from stacks.constructs.content_guardrail import ContentGuardrail
from stacks.constructs.image import RUNTIME_PLATFORM
from stacks.constructs.model_access import model_access
from stacks.constructs.paths import SERVICE_PORT
from stacks.names import NAMESPACE, PREFIX

__all__ = ["CONTAINER", "GatewayTask"]

CONTAINER = "gateway"
_ARMS: dict[str, str] = {"primary": "control", "canary": "canary"}


class GatewayTask(Construct):
    """The task definition of set `primary` or `canary`.

    It reads its model from the arm's parameter when it starts, calls that model under the
    guardrail, and attests what it loaded in its own set's items; it may do nothing else.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        task_set: Literal["primary", "canary"],
        image: ecs.ContainerImage,
        models: Sequence[Model],
        guardrail: ContentGuardrail,
        releases: dynamodb.ITable,
        log_group: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        arm = _ARMS[task_set]
        self.definition = ecs.FargateTaskDefinition(
            self,
            "Definition",
            family=f"mangaassist-gateway-{task_set}",
            cpu=512,
            memory_limit_mib=1024,
            runtime_platform=RUNTIME_PLATFORM,
        )
        model = ssm.StringParameter.from_string_parameter_name(
            self, "Model", f"{PREFIX}/{arm}/model-id"
        )
        self.definition.add_container(
            CONTAINER,
            container_name=CONTAINER,
            image=image,
            memory_reservation_mib=512,
            port_mappings=[ecs.PortMapping(container_port=SERVICE_PORT)],
            environment={
                "ARM": arm,
                "TASK_SET": task_set,
                "RELEASES_TABLE": releases.table_name,
                "METRICS_NAMESPACE": NAMESPACE,
                **guardrail.environment,
            },
            secrets={"MODEL_ID": ecs.Secret.from_ssm_parameter(model)},
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix=task_set,
                log_group=log_group,
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,
            ),
            stop_timeout=cdk.Duration.seconds(90),
        )
        for statement in model_access(self, models):
            self.definition.add_to_task_role_policy(statement)
        self.definition.add_to_task_role_policy(guardrail.may_apply())
        own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [f"ATTEST#{task_set}"]}}
        self.definition.add_to_task_role_policy(
            iam.PolicyStatement(
                actions=["dynamodb:PutItem"], resources=[releases.table_arn], conditions=own
            )
        )
        self._acknowledge_findings()

    def _acknowledge_findings(self) -> None:
        acknowledge(
            self.definition,
            "AwsSolutions-IAM5[Resource::*]",
            "ecr:GetAuthorizationToken, in the execution role made by the CDK, knows no resources.",
        )
        acknowledge(
            self.definition,
            "AwsSolutions-ECS2",
            "The variables are names, not secrets; the model comes from Parameter Store.",
        )
