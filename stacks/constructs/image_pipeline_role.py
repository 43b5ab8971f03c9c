"""What pipeline `release-image` may do: read its one object, start its one deployment."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.acknowledge import acknowledge
from stacks.constructs.image_deployment import ImageDeployment
from stacks.constructs.image_deployment_role import pass_roles
from stacks.names import API_FAMILY, IMAGE_PIPELINE

__all__ = ["image_pipeline_role"]


def image_pipeline_role(
    scope: Construct,
    *,
    bucket: s3.Bucket,
    deployment: ImageDeployment,
    definition: ecs.FargateTaskDefinition,
) -> iam.Role:
    """The role of every action of the pipeline.

    The actions are those that the user guide lists for an S3 source and a deployment to ECS.
    """
    stack = cdk.Stack.of(scope)
    role = iam.Role(
        scope,
        "Role",
        assumed_by=iam.ServicePrincipal(
            "codepipeline.amazonaws.com",
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnLike": {
                    "aws:SourceArn": stack.format_arn(
                        service="codepipeline", resource=IMAGE_PIPELINE
                    )
                },
            },
        ),
    )
    family = f"task-definition/{API_FAMILY}:*"
    place = f"arn:{cdk.Aws.PARTITION}:ecs:{stack.region}:{stack.account}"
    group, application = deployment.group, deployment.application
    for actions, resource in (
        (
            ("s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"),
            bucket.bucket_arn,
        ),
        (
            (
                *("s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion"),
                *("s3:GetObjectVersionTagging", "s3:PutObject"),
            ),
            bucket.arn_for_objects("*"),
        ),
        (("codedeploy:CreateDeployment", "codedeploy:GetDeployment"), group.deployment_group_arn),
        (
            (
                *("codedeploy:GetApplication", "codedeploy:GetApplicationRevision"),
                "codedeploy:RegisterApplicationRevision",
            ),
            application.application_arn,
        ),
        (("codedeploy:GetDeploymentConfig",), group.deployment_config.deployment_config_arn),
        (("ecs:RegisterTaskDefinition",), f"{place}:{family}"),
    ):
        role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=[resource]))
    role.add_to_policy(pass_roles(definition))
    _acknowledge_findings(role, bucket, family)
    return role


def _acknowledge_findings(role: iam.Role, bucket: s3.Bucket, family: str) -> None:
    stack = cdk.Stack.of(role)
    copies = bucket.node.default_child
    assert isinstance(copies, cdk.CfnElement)
    for resource, why in (
        (
            f"<{stack.get_logical_id(copies)}.Arn>/*",
            "CodePipeline names each artifact by itself; the bucket holds nothing else.",
        ),
        (
            f"arn:<AWS::Partition>:ecs:{stack.region}:<AWS::AccountId>:{family}",
            "A revision's number is not known before it is registered; the family is named.",
        ),
    ):
        acknowledge(role, f"AwsSolutions-IAM5[Resource::{resource}]", why)
