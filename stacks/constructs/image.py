"""The container image of one service, made of its own code and what that imports."""

from __future__ import annotations

from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from stacks.packaging import stage_image

__all__ = ["RUNTIME_PLATFORM", "service_image"]

RUNTIME_PLATFORM = ecs.RuntimePlatform(
    cpu_architecture=ecs.CpuArchitecture.ARM64,
    operating_system_family=ecs.OperatingSystemFamily.LINUX,
)


def service_image(scope: Construct, service: str) -> ecs.ContainerImage:
    """The image of `services/{service}`; it is built at deploy, not at synth."""
    asset = ecr_assets.DockerImageAsset(
        scope,
        "Image",
        directory=str(stage_image(service)),
        platform=ecr_assets.Platform.LINUX_ARM64,
        asset_name=f"mangaassist-{service}",
    )
    return ecs.ContainerImage.from_docker_image_asset(asset)
