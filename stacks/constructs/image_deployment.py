"""How an image of the API reaches customers: CodeDeploy, a tenth first, back on any alarm."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.api_service import ApiService
from stacks.constructs.image_deployment_role import image_deployment_role
from stacks.constructs.public_entrance import PublicEntrance

__all__ = ["ImageDeployment"]

KEEP_OLD_TASKS = cdk.Duration.minutes(30)
"""After the shift the old tasks stay as long, so that an alarm can still bring them back."""


class ImageDeployment(Construct):
    """Deployment `group` of service `api`: a tenth of the requests for 5 minutes, then all.

    It comes back by itself when it fails, when somebody stops it, and on the API's own alarms.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        tasks: ApiService,
        definition: ecs.FargateTaskDefinition,
        entrance: PublicEntrance,
        smoke_test: lambda_.IFunction,
        alarms: Sequence[cloudwatch.Alarm],
        on_call: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self.application = codedeploy.EcsApplication(
            self, "Application", application_name="mangaassist-api"
        )
        role = image_deployment_role(
            self, definition=definition, entrance=entrance, smoke_test=smoke_test
        )
        self.group = codedeploy.EcsDeploymentGroup(
            self,
            "Group",
            application=self.application,
            deployment_group_name="api",
            service=tasks.service,
            # The CDK would add AWS's managed policy, which is for every service of the account.
            role=role.without_policy_updates(),
            deployment_config=codedeploy.EcsDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
            blue_green_deployment_config=codedeploy.EcsBlueGreenDeploymentConfig(
                blue_target_group=tasks.blue,
                green_target_group=tasks.green,
                listener=entrance.production,
                test_listener=entrance.test,
                termination_wait_time=KEEP_OLD_TASKS,
            ),
            alarms=list(alarms),
            ignore_poll_alarms_failure=False,
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
        )
        self.group.node.add_dependency(role)
        self._tell_of_failures(on_call)

    def _tell_of_failures(self, on_call: sns.ITopic) -> None:
        """New tasks that never become healthy raise no alarm: nobody has asked them anything.

        The topic lets rules publish already; as an import it is not given a second statement.
        """
        topic = sns.Topic.from_topic_arn(self, "OnCall", on_call.topic_arn)
        events.Rule(
            self,
            "NotReleased",
            description="An image of the API was taken back or stopped",
            event_pattern=events.EventPattern(
                source=["aws.codedeploy"],
                detail_type=["CodeDeploy Deployment State-change Notification"],
                detail={
                    "application": [self.application.application_name],
                    "state": ["FAILURE", "STOP"],
                },
            ),
            targets=[targets.SnsTopic(topic)],
        )
