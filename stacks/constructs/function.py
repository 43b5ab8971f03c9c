"""One of the product's functions: its code, its role, its log group and its alias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.acknowledge import acknowledge
from stacks.constructs.network_access import join_network
from stacks.constructs.permissions import Permission
from stacks.packaging import stage_function

__all__ = ["CanaryFunction"]


class CanaryFunction(Construct):
    """Function `canary-{folder}` of `lambdas/{folder}`, called by `alias` or by its `version`.

    With `layer` it is of the layered kind; `more_layers` stand upon it. The role starts with
    nothing but its own log group; `may` is all it can do besides. A version stays when the next is
    published: a release in flight goes on calling the one it started with.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        folder: str,
        timeout_seconds: int,
        environment: Mapping[str, str],
        may: Sequence[Permission] = (),
        layer: lambda_.ILayerVersion | None = None,
        more_layers: Sequence[lambda_.ILayerVersion] = (),
        reserved_concurrency: int | None = None,
        vpc: ec2.IVpc | None = None,
        group: ec2.ISecurityGroup | None = None,
        dead_letters: sqs.IQueue | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        name = f"canary-{folder.replace('_', '-')}"
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/mangaassist/functions/{name}",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(self.role)
        wide: dict[str, list[str]] = {}
        for permission in (*may, *(join_network(self, name) if vpc else ())):
            self.role.add_to_policy(permission.statement)
            for resource, why in permission.wide:
                wide.setdefault(resource, []).append(why)
        for resource, reasons in wide.items():
            finding = f"AwsSolutions-IAM5[Resource::{resource}]"
            acknowledge(self.role, finding, " ".join(dict.fromkeys(reasons)))
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler="handler.handler",
            code=lambda_.Code.from_asset(str(stage_function(folder))),
            layers=[layer, *more_layers] if layer else None,
            role=self.role,
            log_group=log_group,
            timeout=cdk.Duration.seconds(timeout_seconds),
            memory_size=1024 if layer else 512,
            environment=dict(environment),
            reserved_concurrent_executions=reserved_concurrency,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
            if vpc
            else None,
            security_groups=[group] if group else None,
            dead_letter_queue=dead_letters,
            current_version_options=lambda_.VersionOptions(removal_policy=cdk.RemovalPolicy.RETAIN),
        )
        acknowledge(
            self.function,
            "AwsSolutions-L1",
            "Python 3.13 is what the layer's locked wheels are chosen for; the runtime moves "
            "together with lambdas/layer-requirements.lock.",
        )
        self.version = self.function.current_version
        self.alias = lambda_.Alias(self, "Live", alias_name="live", version=self.version)
