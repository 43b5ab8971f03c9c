"""What an operator needs to know of a deployed stack."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk

__all__ = ["tell_operator"]


def tell_operator(stack: cdk.Stack, values: Mapping[str, tuple[str, str]]) -> None:
    """Outputs of `stack`, by name: what each is, and its value.

    None is exported: an export cannot change while another stack reads it.
    """
    for name, (description, value) in values.items():
        cdk.CfnOutput(stack, name, description=description, value=value)
