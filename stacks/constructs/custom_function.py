"""A function of ours behind a custom resource, called through the CDK's provider framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import custom_resources as custom
from constructs import Construct

from stacks.acknowledge import acknowledge
from stacks.constructs.function import CanaryFunction
from stacks.constructs.permissions import Permission

__all__ = ["CustomFunction"]

_BASIC_EXECUTION = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


class CustomFunction(Construct):
    """Function `canary-{folder}`; `service_token` is what a custom resource names."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        folder: str,
        timeout_seconds: int,
        environment: Mapping[str, str],
        may: Sequence[Permission],
    ) -> None:
        super().__init__(scope, construct_id)
        handler = CanaryFunction(
            self,
            "Handler",
            folder=folder,
            timeout_seconds=timeout_seconds,
            environment=environment,
            may=may,
        )
        provider = custom.Provider(self, "Provider", on_event_handler=handler.function)
        acknowledge(
            provider,
            f"AwsSolutions-IAM4[Policy::{_BASIC_EXECUTION}]",
            "The CDK's own provider framework makes this role; the policy lets it log.",
        )
        resource = handler.function.node.default_child
        assert isinstance(resource, cdk.CfnElement)
        acknowledge(
            provider,
            f"AwsSolutions-IAM5[Resource::<{cdk.Stack.of(self).get_logical_id(resource)}.Arn>:*]",
            "The CDK's own provider framework invokes its one handler in any version.",
        )
        self.service_token = provider.service_token
