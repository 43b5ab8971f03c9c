"""The layers of the functions that need more than the standard library and the SDK."""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.packaging import layer_directory

__all__ = ["functions_layer", "plots_layer"]


def functions_layer(scope: Construct) -> lambda_.LayerVersion:
    """Pydantic, numpy and redis as `make setup` built them, from the lock beside the functions."""
    return lambda_.LayerVersion(
        scope,
        "Layer",
        description="pydantic, numpy and redis for the layered functions",
        code=lambda_.Code.from_asset(str(layer_directory())),
        compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
        compatible_architectures=[lambda_.Architecture.ARM_64],
    )


def plots_layer(scope: Construct) -> lambda_.LayerVersion:
    """Matplotlib, for the report's function only; it stands upon the functions' layer."""
    return lambda_.LayerVersion(
        scope,
        "PlotsLayer",
        description="matplotlib for the report",
        code=lambda_.Code.from_asset(str(layer_directory("plots-layer"))),
        compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
        compatible_architectures=[lambda_.Architecture.ARM_64],
    )
