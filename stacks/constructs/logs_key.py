"""The key that every log group of a region is encrypted with."""

from __future__ import annotations

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

__all__ = ["EncryptLogGroups", "LogsKey"]


class LogsKey(Construct):
    """`key`, which CloudWatch Logs of this region may use for log groups of this account only."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        self.key = kms.Key(
            self,
            "Key",
            description="Log groups of MangaAssist: turns that were sampled carry customers' words",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LetLogGroupsEncrypt",
                principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
                actions=[
                    "kms:Decrypt",
                    "kms:DescribeKey",
                    "kms:Encrypt",
                    "kms:GenerateDataKey*",
                    "kms:ReEncrypt*",
                ],
                # In a key's own policy `*` is this key, and nothing else can stand there.
                resources=["*"],
                conditions={
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": stack.format_arn(
                            service="logs",
                            resource="log-group",
                            resource_name="*",
                            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                        )
                    }
                },
            )
        )


@jsii.implements(cdk.IAspect)
class EncryptLogGroups:
    """Gives each log group beneath a scope the key, so that a new one cannot forget it."""

    def __init__(self, key: kms.IKey) -> None:
        self._key_arn = key.key_arn

    def visit(self, node: IConstruct) -> None:
        """Set the key where the node is a log group."""
        if isinstance(node, logs.CfnLogGroup):
            node.kms_key_id = self._key_arn
