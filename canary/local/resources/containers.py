"""ECS: clusters, task definitions, services and task sets."""

from __future__ import annotations

from typing import Any

from canary.local.cloudformation import Made, Request, handles, native, removes
from canary.local.shapes import to_request

native("AWS::ECS::Cluster", "stand-in", "a name: tasks are processes of this machine")
native(
    "AWS::ECR::Repository",
    "not run",
    "no image is built or pulled: tasks run the checkout's services directly",
)


@handles(
    "AWS::ECS::TaskDefinition",
    "stand-in",
    "environment, secrets and log group are used; image, CPU, memory and sidecars are not",
)
def task_definition(request: Request) -> Made:
    """A new revision of the family."""
    client = request.parts.emulator.client("ecs")
    properties = {"Family": request.name, **request.properties}
    arguments = to_request(client, "register_task_definition", properties, ignore=("Tags",))
    answer = client.register_task_definition(**arguments)
    arn = answer["taskDefinition"]["taskDefinitionArn"]
    return Made(arn, {"TaskDefinitionArn": arn})


@handles(
    "AWS::ECS::Service",
    "live",
    "keeps its desired number of real processes running behind its target group; "
    "under the EXTERNAL controller its task sets do, under CODE_DEPLOY its deployment's revisions; "
    "no circuit breaker, no rolling update",
    name_property="ServiceName",
)
def service(request: Request) -> Made:
    """A service; an update may change its desired count only, as under the EXTERNAL controller.

    A template without a desired count leaves it to who scales the service.
    Under CODE_DEPLOY it may change nothing: CloudFormation would send the task definition along,
    which ECS refuses.
    """
    client = request.parts.emulator.client("ecs")
    properties = dict(request.properties)
    cluster = properties.get("Cluster", "default")
    if request.previous is not None:
        if (properties.get("DeploymentController") or {}).get("Type") == "CODE_DEPLOY":
            raise ValueError("a service with a CODE_DEPLOY deployment controller is not updated")
        if "DesiredCount" in properties:
            client.update_service(
                cluster=cluster,
                service=request.name,
                desiredCount=int(properties["DesiredCount"]),
            )
        return request.previous
    properties["ServiceName"] = request.name
    properties.setdefault("DesiredCount", 1)
    ignore = ("Tags", "EnableECSManagedTags", "PropagateTags")
    arguments = to_request(client, "create_service", _network(properties), ignore=ignore)
    made = client.create_service(**arguments)["service"]
    return Made(made["serviceArn"], {"Name": made["serviceName"], "ServiceArn": made["serviceArn"]})


@handles(
    "AWS::ECS::TaskSet",
    "live",
    "ceil(desired x scale) real processes, registered in the set's target group when healthy",
)
def task_set(request: Request) -> Made:
    """A task set; a change of anything but its scale makes another one."""
    client = request.parts.emulator.client("ecs")
    properties = dict(request.properties)
    scale = properties.get("Scale") or {"Unit": "PERCENT", "Value": 100}
    properties["Scale"] = scale
    if request.previous is not None and not _replaces(request):
        client.update_task_set(
            cluster=properties["Cluster"],
            service=properties["Service"],
            taskSet=request.previous.attributes["Arn"],
            scale={"unit": scale["Unit"], "value": float(scale["Value"])},
        )
        return request.previous
    arguments = to_request(client, "create_task_set", _network(properties), ignore=("Tags",))
    made = client.create_task_set(**arguments)["taskSet"]
    return Made(made["id"], {"Id": made["id"], "Arn": made["taskSetArn"]})


@removes("AWS::ECS::TaskSet")
def delete_task_set(request: Request, made: Made) -> None:
    """Its tasks drain and stop."""
    request.parts.emulator.client("ecs").delete_task_set(
        cluster=request.properties["Cluster"],
        service=request.properties["Service"],
        taskSet=made.attributes["Arn"],
        force=True,
    )


def _replaces(request: Request) -> bool:
    """Every property of a task set but two is create-only."""
    before, after = (
        {name: each for name, each in properties.items() if name not in {"Scale", "Tags"}}
        for properties in (request.previous_properties, request.properties)
    )
    return before != after


@handles("AWS::ECS::PrimaryTaskSet", "live", "marks the set PRIMARY")
def primary_task_set(request: Request) -> Made:
    """Which of a service's sets is the primary one."""
    client = request.parts.emulator.client("ecs")
    properties = request.properties
    place = {"cluster": properties["Cluster"], "service": properties["Service"]}
    wanted = properties["TaskSetId"]
    sets = client.describe_task_sets(**place)["taskSets"]
    arn = next(each["taskSetArn"] for each in sets if each["id"] == wanted)
    client.update_service_primary_task_set(**place, primaryTaskSet=arn)
    return Made(wanted)


def _network(properties: dict[str, Any]) -> dict[str, Any]:
    """CloudFormation spells the key in two ways, and moto insists on the security groups."""
    network = properties.get("NetworkConfiguration")
    if not network:
        return properties
    (inner,) = network.values()
    return {
        **properties,
        "NetworkConfiguration": {"AwsvpcConfiguration": {"SecurityGroups": [], **inner}},
    }
