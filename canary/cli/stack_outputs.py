"""What a deployed stack tells its operators: buckets whose names nobody chose."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["STATE_STACK", "stack_output"]

STATE_STACK = "mangaassist-state"


def stack_output(cloudformation: Any, region: str, output: str) -> str:
    """An output of the stack of a region's state. Raises `ClickException` with what is missing."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        (stack,) = cloudformation.describe_stacks(StackName=STATE_STACK)["Stacks"]
    except (ClientError, BotoCoreError) as error:
        raise click.ClickException(
            f"stack {STATE_STACK} in {region} cannot be read: {error}; name the bucket with "
            "--bucket"
        ) from error
    for each in stack.get("Outputs", []):
        if each["OutputKey"] == output:
            return str(each["OutputValue"])
    raise click.ClickException(f"stack {STATE_STACK} in {region} has no output {output}")
