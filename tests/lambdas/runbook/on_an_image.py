"""Commands for an image of the API that is being deployed."""

from __future__ import annotations

from moto.codedeploy.models import codedeploy_backends
from moto.core import DEFAULT_ACCOUNT_ID

from stacks.names import IMAGE_PIPELINE
from tests.lambdas.conftest import REGION
from tests.lambdas.runbook.deeds import done, runs
from tests.lambdas.runbook.duty import Duty
from tests.lambdas.runbook.extraction import Command

IMAGE = "An image of the API"


def deploying(duty: Duty) -> str:
    """A deployment that is under way, and one that has ended; the id of the first."""
    client = duty.region.client("codedeploy")
    client.create_application(applicationName="mangaassist-api", computePlatform="ECS")
    client.create_deployment_group(
        applicationName="mangaassist-api",
        deploymentGroupName="api",
        serviceRoleArn="arn:aws:iam::123456789012:role/deploy",
    )
    made = [
        client.create_deployment(
            applicationName="mangaassist-api",
            deploymentGroupName="api",
            revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": "{}"}},
        )["deploymentId"]
        for _ in range(2)
    ]
    known = codedeploy_backends[DEFAULT_ACCOUNT_ID][REGION].deployments
    for deployment_id, state in zip(made, ("InProgress", "Succeeded"), strict=True):
        known[deployment_id].status = state
    return str(made[0])


@runs(
    "aws deploy list-deployments --application-name mangaassist-api --deployment-group-name api "
    "--include-only-statuses InProgress Ready",
    IMAGE,
)
def is_one_under_way(duty: Duty, command: Command) -> None:
    """Only what has not ended."""
    under_way = deploying(duty)
    assert done(duty, command).document["deployments"] == [under_way]


@runs(
    "aws deploy stop-deployment --deployment-id {DEPLOYMENT} --auto-rollback-enabled",
    IMAGE,
)
def stop_it(duty: Duty, command: Command) -> None:
    """It is told to bring the last image back."""
    under_way = deploying(duty)
    duty.values = {"DEPLOYMENT": under_way}
    done(duty, command)
    assert duty.did("StopDeployment") == [{"deploymentId": under_way, "autoRollbackEnabled": True}]
    found = duty.region.client("codedeploy").get_deployment(deploymentId=under_way)
    assert found["deploymentInfo"]["status"] == "Stopped"


@runs("aws codepipeline start-pipeline-execution --name release-image", IMAGE)
def release_again(duty: Duty, command: Command) -> None:
    """The pipeline of images, which deploys what was published last."""
    done(duty, command)
    assert duty.did("StartPipelineExecution") == [{"name": IMAGE_PIPELINE}]
