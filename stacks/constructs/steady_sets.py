"""Waits until the task sets that an update made carry themselves."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from stacks.constructs.custom_function import CustomFunction
from stacks.constructs.permissions import Permissions
from stacks.names import CLUSTER, GATEWAY_SERVICE

__all__ = ["SteadySets"]


class SteadySets(Construct):
    """Custom resource that is complete when each of `task_sets` has STEADY_STATE.

    What depends on it, the primary task set first of all, comes after; what was replaced is deleted
    later still.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, task_sets: Sequence[ecs.CfnTaskSet]
    ) -> None:
        super().__init__(scope, construct_id)
        function = CustomFunction(
            self,
            "Wait",
            folder="steady_state",
            timeout_seconds=840,
            environment={"CLUSTER": CLUSTER, "GATEWAY_SERVICE": GATEWAY_SERVICE},
            may=[Permissions(self).task_sets(CLUSTER, GATEWAY_SERVICE)],
        )
        self.resource = cdk.CustomResource(
            self,
            "Steady",
            resource_type="Custom::SteadyTaskSets",
            service_token=function.service_token,
            properties={"TaskSets": [each.attr_id for each in task_sets]},
        )
