"""ARNs of what is known by name."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

__all__ = ["resource_arn"]


def resource_arn(scope: Construct, service: str, path: str) -> str:
    """The ARN of `path`, such as `table/database/name`, in this account and region."""
    stack = cdk.Stack.of(scope)
    return f"arn:{cdk.Aws.PARTITION}:{service}:{stack.region}:{stack.account}:{path}"
