"""The dashboard over all regions, one band a region, in the order of their waves."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from canary.policy.compiled import CompiledPolicy
from stacks.constructs.arm_widgets import ArmWidgets
from stacks.constructs.region_dashboard import alarm_arn, region_dashboard_name
from stacks.names import CRITICAL_ALARM, WARNING_ALARM

__all__ = ["GLOBAL_DASHBOARD", "GlobalDashboard"]

GLOBAL_DASHBOARD = "mangaassist-canary"


class GlobalDashboard(Construct):
    """Every region of `policies` side by side; a widget names the region it shows.

    It refers to nothing in other regions but names that are the same everywhere, so it can stand
    before they do: their bands are empty until then.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, policies: Sequence[CompiledPolicy]
    ) -> None:
        super().__init__(scope, construct_id)
        dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=GLOBAL_DASHBOARD,
            default_interval=cdk.Duration.hours(12),
        )
        for policy in sorted(policies, key=lambda each: each.wave):
            widgets = ArmWidgets(policy)
            dashboard.add_widgets(_band(policy))
            dashboard.add_widgets(widgets.state(), widgets.requests(), widgets.share())
            dashboard.add_widgets(*widgets.rates()[:2], self._composites(policy))
            harms = widgets.harms()
            if harms:
                dashboard.add_widgets(*harms)

    def _composites(self, policy: CompiledPolicy) -> cloudwatch.IWidget:
        return cloudwatch.AlarmStatusWidget(
            title=f"Alarms in {policy.region}",
            width=8,
            height=6,
            alarms=[
                cloudwatch.Alarm.from_alarm_arn(
                    self, f"{policy.region}-{name}", alarm_arn(self, policy.region, name)
                )
                for name in (CRITICAL_ALARM, WARNING_ALARM)
            ],
        )


def _band(policy: CompiledPolicy) -> cloudwatch.IWidget:
    waits = f", waits for {', '.join(policy.wave_before)}" if policy.wave_before else ""
    name = region_dashboard_name(policy.region)
    link = f"#dashboards/dashboard/{name}"
    return cloudwatch.TextWidget(
        width=24,
        height=1,
        markdown=f"## {policy.region}: wave {policy.wave}{waits}. [Its dashboard]({link})",
    )
