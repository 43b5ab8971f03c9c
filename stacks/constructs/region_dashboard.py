"""The dashboard of one region: the release, both arms, the load balancer's view, the alarms."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from canary.policy.compiled import CompiledPolicy
from stacks.constructs.arm_widgets import CANARY, CONTROL, ArmWidgets, graph
from stacks.constructs.objective_widgets import objective_widgets
from stacks.names import MACHINE
from stacks.traffic import Traffic

__all__ = ["RegionDashboard", "region_dashboard_name"]

_ROW = 3
_MOST_ALARMS = 100
"""CloudWatch's limit of alarms in one widget."""


def region_dashboard_name(region: str) -> str:
    """Dashboards belong to the account, not to a region: the name says which it shows."""
    return f"mangaassist-canary-{region}"


class RegionDashboard(Construct):
    """Everything that a look at one region needs; `alarms` are names of alarms in the region."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        policy: CompiledPolicy,
        traffic: Traffic,
        alarms: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        self._region = policy.region
        self._traffic = traffic
        widgets = ArmWidgets(policy)
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=region_dashboard_name(policy.region),
            default_interval=cdk.Duration.hours(12),
        )
        self.dashboard.add_widgets(_heading(policy))
        self._rows([widgets.state(), widgets.requests(), widgets.share()])
        self._rows(self._alarms(alarms))
        self._rows([*widgets.rates(), *widgets.harms()])
        self._rows([*self._balancer(), self._executions(), self._rollbacks()])
        self.dashboard.add_widgets(*objective_widgets(self._region))

    def _rows(self, widgets: Sequence[cloudwatch.IWidget]) -> None:
        for start in range(0, len(widgets), _ROW):
            self.dashboard.add_widgets(*widgets[start : start + _ROW])

    def _alarms(self, names: Sequence[str]) -> list[cloudwatch.IWidget]:
        arns = [alarm_arn(self, self._region, name) for name in names]
        return [
            cloudwatch.AlarmStatusWidget(
                title="Alarms",
                width=24,
                height=6,
                sort_by=cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,
                alarms=[
                    cloudwatch.Alarm.from_alarm_arn(self, f"Alarm{start + index}", arn)
                    for index, arn in enumerate(arns[start : start + _MOST_ALARMS])
                ],
            )
            for start in range(0, len(arns), _MOST_ALARMS)
        ]

    def _balancer(self) -> list[cloudwatch.IWidget]:
        """What the load balancer counts by itself: it does not depend on the tasks' words."""
        return [
            graph(
                title,
                self._region,
                [
                    self._of_group(metric, "primary", statistic, CONTROL),
                    self._of_group(metric, "canary", statistic, CANARY),
                ],
                period=cdk.Duration.minutes(1),
            )
            for title, metric, statistic in (
                ("Answers 5xx by task set", "HTTPCode_Target_5XX_Count", "Sum"),
                ("Refused connections by task set", "TargetConnectionErrorCount", "Sum"),
                ("Healthy tasks by task set", "HealthyHostCount", "Maximum"),
                ("P99 to the first byte by task set (s)", "TargetResponseTime", "p99"),
            )
        ]

    def _of_group(self, metric: str, group: str, statistic: str, color: str) -> cloudwatch.Metric:
        routes = self._traffic.routes
        target = routes.primary if group == "primary" else routes.canary
        return cloudwatch.Metric(
            namespace="AWS/ApplicationELB",
            metric_name=metric,
            dimensions_map={
                "TargetGroup": target.target_group_full_name,
                "LoadBalancer": self._traffic.balancer.load_balancer_full_name,
            },
            statistic=statistic,
            label=group,
            color=color,
        )

    def _executions(self) -> cloudwatch.IWidget:
        machine = cdk.Stack.of(self).format_arn(
            service="states",
            resource="stateMachine",
            resource_name=MACHINE,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        metrics: list[cloudwatch.IMetric] = [
            cloudwatch.Metric(
                namespace="AWS/States",
                metric_name=name,
                dimensions_map={"StateMachineArn": machine},
                statistic="Sum",
                label=name.removeprefix("Executions").lower(),
            )
            for name in ("ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed")
        ]
        return graph("Releases begun and ended", self._region, metrics)

    def _rollbacks(self) -> cloudwatch.IWidget:
        metrics: list[cloudwatch.IMetric] = [
            cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name=name,
                dimensions_map={"FunctionName": "canary-rollback"},
                statistic="Sum",
                label=name.lower(),
            )
            for name in ("Invocations", "Errors", "Throttles")
        ]
        return graph("Calls of the rollback function", self._region, metrics)


def alarm_arn(scope: Construct, region: str, name: str) -> str:
    """The ARN of an alarm of this account by its name, in any region."""
    return cdk.Stack.of(scope).format_arn(
        service="cloudwatch",
        region=region,
        resource="alarm",
        resource_name=name,
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


def _heading(policy: CompiledPolicy) -> cloudwatch.IWidget:
    limits = ", ".join(f"{stage.rate:.0%}" for stage in policy.stages)
    return cloudwatch.TextWidget(
        width=24,
        height=2,
        markdown=f"## Canary in {policy.region} (wave {policy.wave})\n"
        f"Stages {limits}. Blue is control, orange the canary, red a lower bound with its limit. "
        "What to do about an alarm stands in docs/runbook.md of the repository, by its name.",
    )
