"""The function that tests a new image before any customer meets it."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.function import CanaryFunction
from stacks.constructs.permissions import Permission

__all__ = ["SmokeTest"]

_ANSWER = "codedeploy:PutLifecycleEventHookExecutionStatus"


class SmokeTest(Construct):
    """Hook `AfterAllowTestTraffic` of a deployment; CodeDeploy calls `function` by its name.

    An invocation that failed is not tried again: the deployment ends with the first answer.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        url: str,
        vpc: ec2.IVpc,
        group: ec2.ISecurityGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        smoke_test = CanaryFunction(
            self,
            "SmokeTest",
            folder="smoke_test",
            timeout_seconds=90,
            environment={"TEST_URL": url},
            may=[
                Permission(
                    iam.PolicyStatement(actions=[_ANSWER], resources=["*"]),
                    (("*", f"{_ANSWER} knows no resources."),),
                )
            ],
            vpc=vpc,
            group=group,
        )
        self.function = smoke_test.function
        lambda_.EventInvokeConfig(self, "Once", function=self.function, retry_attempts=0)
