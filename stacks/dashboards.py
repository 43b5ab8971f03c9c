"""Stack `Dashboards`: what people look at. Nothing depends on it, and it moves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from canary.policy.compiled import CompiledPolicy
from stacks.constructs.global_dashboard import GlobalDashboard
from stacks.constructs.region_dashboard import RegionDashboard
from stacks.traffic import Traffic

__all__ = ["Dashboards"]


class Dashboards(cdk.Stack):
    """The region's dashboard, with every named alarm of the stage so far; make this stack last.

    `overview`, in one region only, are the policies of all regions for the global dashboard.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        traffic: Traffic,
        policy: CompiledPolicy,
        overview: Sequence[CompiledPolicy] = (),
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        RegionDashboard(self, "Region", policy=policy, traffic=traffic, alarms=_named_alarms(scope))
        if overview:
            GlobalDashboard(self, "Global", policies=overview)


def _named_alarms(scope: Construct) -> list[str]:
    """Composites first: they answer the first question."""
    composites: set[str] = set()
    alarms: set[str] = set()
    for each in scope.node.find_all():
        if isinstance(each, cloudwatch.CfnCompositeAlarm):
            composites.add(each.alarm_name or "")
        elif isinstance(each, cloudwatch.CfnAlarm):
            alarms.add(each.alarm_name or "")
    ordered = [*sorted(composites), *sorted(alarms)]
    return [name for name in ordered if name and not cdk.Token.is_unresolved(name)]
