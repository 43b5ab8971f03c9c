"""The pipeline that releases an image of the API."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import (
    aws_codepipeline as codepipeline,
)
from aws_cdk import (
    aws_ecs as ecs,
)
from aws_cdk import (
    aws_events as events,
)
from aws_cdk import (
    aws_events_targets as targets,
)
from aws_cdk import (
    aws_lambda as lambda_,
)
from aws_cdk import (
    aws_s3 as s3,
)
from constructs import Construct

from stacks.constructs.bucket import PrivateBucket
from stacks.constructs.image_deployment import ImageDeployment
from stacks.constructs.image_pipeline_role import image_pipeline_role
from stacks.constructs.published_image import KEY, PublishedImage
from stacks.names import IMAGE_PIPELINE

__all__ = ["ImagePipeline"]

_KEEP_ARTIFACTS = cdk.Duration.days(90)
_ARTIFACT = "Release"


class ImagePipeline(Construct):
    """Pipeline `release-image`: the published task definition, then its deployment.

    A new object starts it. A newer image takes the place of one that waits for the deployment
    under way (SUPERSEDED): of two images that wait, nobody wants the older.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: ImageDeployment,
        definition: ecs.FargateTaskDefinition,
        smoke_test: lambda_.IFunction,
        access_logs: s3.IBucket,
    ) -> None:
        super().__init__(scope, construct_id)
        bucket = PrivateBucket(self, "ImageArtifacts", access_logs=access_logs).bucket
        # CodePipeline's copies go; the published object stays, however long ago it was written.
        bucket.add_lifecycle_rule(
            id="Copies", prefix=f"{IMAGE_PIPELINE}/", expiration=_KEEP_ARTIFACTS
        )
        _announce_objects(bucket)
        published = PublishedImage(
            self, "Published", bucket=bucket, definition=definition, smoke_test=smoke_test
        )
        role = image_pipeline_role(
            self, bucket=bucket, deployment=deployment, definition=definition
        )
        pipeline = codepipeline.CfnPipeline(
            self,
            "Pipeline",
            name=IMAGE_PIPELINE,
            pipeline_type="V2",
            execution_mode="SUPERSEDED",
            restart_execution_on_update=False,
            role_arn=role.role_arn,
            artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
                type="S3", location=bucket.bucket_name
            ),
            stages=[_stage("Source", _source(bucket)), _stage("Deploy", _deploy(deployment))],
        )
        # Its first execution, at its creation, finds the object there.
        pipeline.node.add_dependency(role, published.resource)
        new_image = events.Rule(
            self,
            "NewImage",
            description="A newly published image is released",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [bucket.bucket_name]}, "object": {"key": [KEY]}},
            ),
            targets=[
                targets.CodePipeline(
                    codepipeline.Pipeline.from_pipeline_arn(
                        self, "Itself", _arn(self, IMAGE_PIPELINE)
                    )
                )
            ],
        )
        # The object of the first deploy starts nothing: the pipeline's creation does.
        new_image.node.add_dependency(pipeline)


def _announce_objects(bucket: s3.Bucket) -> None:
    """As a property: the CDK's own switch is a custom resource with a function of its own."""
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    resource.add_property_override(
        "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", value=True
    )


def _source(bucket: s3.IBucket) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    """The rule starts the pipeline; polling, the default, would start it a second time."""
    return _action(
        "Image",
        ("Source", "S3"),
        {
            "S3Bucket": bucket.bucket_name,
            "S3ObjectKey": KEY,
            "PollForSourceChanges": "false",
        },
        output_artifacts=[codepipeline.CfnPipeline.OutputArtifactProperty(name=_ARTIFACT)],
    )


def _deploy(
    deployment: ImageDeployment,
) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    """Registers the task definition once more, as its own revision, and deploys that one."""
    return _action(
        "BlueGreen",
        ("Deploy", "CodeDeployToECS"),
        {
            "ApplicationName": deployment.application.application_name,
            "DeploymentGroupName": deployment.group.deployment_group_name,
            "TaskDefinitionTemplateArtifact": _ARTIFACT,
            "TaskDefinitionTemplatePath": "taskdef.json",
            "AppSpecTemplateArtifact": _ARTIFACT,
            "AppSpecTemplatePath": "appspec.yaml",
        },
        input_artifacts=[codepipeline.CfnPipeline.InputArtifactProperty(name=_ARTIFACT)],
    )


def _action(
    name: str, kind: tuple[str, str], configuration: dict[str, str], **more: object
) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    category, provider = kind
    return codepipeline.CfnPipeline.ActionDeclarationProperty(
        name=name,
        action_type_id=codepipeline.CfnPipeline.ActionTypeIdProperty(
            category=category, owner="AWS", provider=provider, version="1"
        ),
        configuration=configuration,
        run_order=1,
        **more,  # type: ignore[arg-type]
    )


def _stage(
    name: str, action: codepipeline.CfnPipeline.ActionDeclarationProperty
) -> codepipeline.CfnPipeline.StageDeclarationProperty:
    return codepipeline.CfnPipeline.StageDeclarationProperty(name=name, actions=[action])


def _arn(scope: Construct, name: str) -> str:
    return cdk.Stack.of(scope).format_arn(service="codepipeline", resource=name)
