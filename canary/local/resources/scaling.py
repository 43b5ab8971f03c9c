"""Application Auto Scaling: targets are registered and suspended, and nothing scales by load."""

from __future__ import annotations

from canary.local.cloudformation import Made, Request, handles
from canary.local.shapes import to_request


@handles(
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "stand-in",
    "registered and suspended as in AWS; a service below the minimum is raised to it, no load "
    "moves it after that",
)
def scalable_target(request: Request) -> Made:
    """A scalable target, and the first step of scaling: up to its minimum."""
    properties = request.properties
    scaling = request.parts.emulator.client("application-autoscaling")
    scaling.register_scalable_target(**to_request(scaling, "register_scalable_target", properties))
    namespace, resource = properties["ServiceNamespace"], properties["ResourceId"]
    if namespace == "ecs":
        _raise_to(request, resource, int(properties["MinCapacity"]))
    return Made(f"{resource}|{properties['ScalableDimension']}|{namespace}")


@handles("AWS::ApplicationAutoScaling::ScalingPolicy", "stand-in", "recorded, never applied")
def scaling_policy(request: Request) -> Made:
    """A scaling policy nobody applies."""
    arn = request.arn("autoscaling", f"scalingPolicy:{request.name}")
    return Made(arn, {"Arn": arn})


def _raise_to(request: Request, resource: str, least: int) -> None:
    _, cluster, service = resource.split("/")
    ecs = request.parts.emulator.client("ecs")
    (found,) = ecs.describe_services(cluster=cluster, services=[service])["services"]
    if found["desiredCount"] < least:
        ecs.update_service(cluster=cluster, service=service, desiredCount=least)
