"""What a deployment is told, written anew whenever the task definition changes."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import (
    aws_ecs as ecs,
)
from aws_cdk import (
    aws_iam as iam,
)
from aws_cdk import (
    aws_lambda as lambda_,
)
from aws_cdk import (
    aws_s3 as s3,
)
from constructs import Construct

from stacks.constructs.api_task import CONTAINER
from stacks.constructs.custom_function import CustomFunction
from stacks.constructs.paths import SERVICE_PORT
from stacks.constructs.permissions import Permission

__all__ = ["KEY", "PublishedImage"]

KEY = "api/release.zip"
_SEE = "ecs:DescribeTaskDefinition"


class PublishedImage(Construct):
    """Object `api/release.zip` with `taskdef.json` and `appspec.yaml`, by the template's words.

    CloudFormation registers the task definition and cannot give it to the service; a custom
    resource hands it to the pipeline. So `cdk deploy` releases an image too, and comes back to
    the terminal before the deployment ends.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        definition: ecs.FargateTaskDefinition,
        smoke_test: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, construct_id)
        publish = CustomFunction(
            self,
            "Publish",
            folder="publish_image",
            timeout_seconds=30,
            environment={},
            may=[
                Permission(
                    iam.PolicyStatement(actions=[_SEE], resources=["*"]),
                    (("*", f"{_SEE} knows no resources."),),
                ),
                Permission(
                    iam.PolicyStatement(
                        actions=["s3:PutObject"], resources=[bucket.arn_for_objects(KEY)]
                    )
                ),
            ],
        )
        self.resource = cdk.CustomResource(
            self,
            "Image",
            resource_type="Custom::PublishedImage",
            service_token=publish.service_token,
            properties={
                "TaskDefinition": definition.task_definition_arn,
                "Container": CONTAINER,
                "Port": SERVICE_PORT,
                "Hook": smoke_test.function_arn,
                "Bucket": bucket.bucket_name,
                "Key": KEY,
            },
        )
