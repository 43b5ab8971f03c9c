"""Findings of cdk-nag that are accepted, each one by its full name and with its reason."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import IConstruct

__all__ = ["acknowledge"]


def acknowledge(scope: IConstruct, finding: str, reason: str) -> None:
    """Accept one finding on `scope` and what it contains.

    `finding` is the rule with its detail, such as `AwsSolutions-IAM5[Resource::*]`: another finding
    of the same rule is still reported.
    """
    cdk.Validations.of(scope).acknowledge(cdk.Acknowledgment(id=finding, reason=reason))
