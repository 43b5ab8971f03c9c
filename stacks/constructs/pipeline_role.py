"""What the promotion pipeline may do: read a report, copy it, tell people, call one function."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.acknowledge import acknowledge
from stacks.constructs.topics import Topics
from stacks.names import PROMOTION

__all__ = ["PipelineRole"]

_SEE_BUCKET = ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"]
_READ = ["s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging"]


class PipelineRole(Construct):
    """`role`, which CodePipeline takes for every action of pipeline `promotion`, and nobody else.

    The actions are those that the user guide lists for an S3 source, a manual approval and a
    Lambda action.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        reports: s3.IBucket,
        artifacts: s3.Bucket,
        key: kms.Key,
        topics: Topics,
        action: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        pipeline = stack.format_arn(service="codepipeline", resource=PROMOTION)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "codepipeline.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": pipeline},
                },
            ),
        )
        written = f"{reports.bucket_arn}/reports/*.html"
        copied = artifacts.arn_for_objects("*")
        for actions, resources in (
            (_SEE_BUCKET, [reports.bucket_arn, artifacts.bucket_arn]),
            (_READ, [written]),
            (["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], [copied]),
            (["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], [key.key_arn]),
            (["sns:Publish"], [topics.ml_engineers.topic_arn]),
            (["kms:Decrypt", "kms:GenerateDataKey"], [topics.key.key_arn]),
            (["lambda:InvokeFunction"], [action.function_arn]),
            (["lambda:ListFunctions"], ["*"]),
        ):
            self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        owner = cdk.Stack.of(reports)
        shown = owner.resolve(owner.export_value(reports.bucket_arn))["Fn::ImportValue"]
        copies = stack.get_logical_id(_resource(artifacts))
        for resource, why in (
            (f"{shown}/reports/*.html", "A report is named after its release."),
            (f"<{copies}.Arn>/*", "CodePipeline names each artifact by itself."),
            ("*", "lambda:ListFunctions knows no resources; the Lambda action calls it."),
        ):
            acknowledge(self.role, f"AwsSolutions-IAM5[Resource::{resource}]", why)


def _resource(construct: Construct) -> cdk.CfnElement:
    resource = construct.node.default_child
    assert isinstance(resource, cdk.CfnElement)
    return resource
