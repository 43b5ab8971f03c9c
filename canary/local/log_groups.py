"""What moto's log groups lack."""

from __future__ import annotations

from typing import Any

from moto.logs.models import LogGroup

from canary.local.patches import Patches

__all__ = ["install"]


def install(patches: Patches) -> None:
    """Every patch below."""
    end_arns_with_a_star(patches)


def end_arns_with_a_star(patches: Patches) -> None:
    """`Fn::GetAtt Arn` of a log group ends in `:*`, which a permission's source is matched with."""
    original = LogGroup.get_cfn_attribute

    def get_cfn_attribute(self: LogGroup, attribute_name: str) -> Any:
        value = original(self, attribute_name)
        return f"{value}:*" if attribute_name == "Arn" else value

    patches.set(LogGroup, "get_cfn_attribute", get_cfn_attribute)
