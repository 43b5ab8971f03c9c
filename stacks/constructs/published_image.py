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
from aws_cdk import (
    custom_resources as custom,
)
from constructs import Construct

from stacks.acknowledge import acknowledge
from stacks.constructs.api_task import CONTAINER
from stacks.constructs.function import CanaryFunction
from stacks.constructs.paths import SERVICE_PORT
from stacks.constructs.permissions import Permission

__all__ = ["KEY", "PublishedImage"]

KEY = "api/release.zip"
_SEE = "ecs:DescribeTaskDefinition"
_BASIC_EXECUTION = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


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
        publish = CanaryFunction(
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
        provider = custom.Provider(self, "Provider", on_event_handler=publish.function)
        acknowledge(
            provider,
            f"AwsSolutions-IAM4[Policy::{_BASIC_EXECUTION}]",
            "The CDK's own provider framework makes this role; the policy lets it log.",
        )
        handler = publish.function.node.default_child
        assert isinstance(handler, cdk.CfnElement)
        acknowledge(
            provider,
            f"AwsSolutions-IAM5[Resource::<{cdk.Stack.of(self).get_logical_id(handler)}.Arn>:*]",
            "The CDK's own provider framework invokes its one handler in any version.",
        )
        self.resource = cdk.CustomResource(
            self,
            "Image",
            resource_type="Custom::PublishedImage",
            service_token=provider.service_token,
            properties={
                "TaskDefinition": definition.task_definition_arn,
                "Container": CONTAINER,
                "Port": SERVICE_PORT,
                "Hook": smoke_test.function_arn,
                "Bucket": bucket.bucket_name,
                "Key": KEY,
            },
        )
