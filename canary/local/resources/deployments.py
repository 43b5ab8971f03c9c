"""CodeDeploy: applications and deployment groups."""

from __future__ import annotations

from canary.local.cloudformation import Made, Request, handles
from canary.local.shapes import to_request


@handles("AWS::CodeDeploy::Application", "stand-in", "a name", name_property="ApplicationName")
def application(request: Request) -> Made:
    """An application, which groups belong to."""
    if request.previous is None:
        request.parts.emulator.client("codedeploy").create_application(
            applicationName=request.name,
            computePlatform=request.properties.get("ComputePlatform", "Server"),
        )
    return Made(request.name)


@handles(
    "AWS::CodeDeploy::DeploymentGroup",
    "live",
    "CreateDeployment starts real tasks in the other target group, calls the hooks, shifts the "
    "listeners and follows the alarms; one canary step or all at once; the AppSpec must be JSON",
    name_property="DeploymentGroupName",
)
def deployment_group(request: Request) -> Made:
    """A deployment group of one ECS service."""
    if request.previous is None:
        client = request.parts.emulator.client("codedeploy")
        properties = {**request.properties, "DeploymentGroupName": request.name}
        arguments = to_request(client, "create_deployment_group", properties)
        client.create_deployment_group(**arguments)
    return Made(request.name)
