"""The fire drill: the function that runs it, the one that talks for it, its schedule and alarms."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks import names
from stacks.arns import resource_arn
from stacks.constructs.arm_routes import ArmRoutes
from stacks.constructs.environment import Environment
from stacks.constructs.fault_alarm import add_fault_alarm
from stacks.constructs.function import CanaryFunction
from stacks.constructs.permissions import Permissions
from stacks.network import Network
from stacks.state import State

__all__ = ["DrillFunctions"]

_WORKING_HOURS = "cron(0 10 ? * MON-THU *)"
"""In the region's time zone: its alarm calls a person, who may as well be awake."""
LATE_DAYS = 10
"""A drill is due a week after the last one, and on no Friday, Saturday or Sunday."""
_READ = ("assignment", "control/model-id", "policy", "status")
"""Parameters that a drill reads."""


class DrillFunctions(Construct):
    """`drill` calls the release's own functions and looks at what its rollback has changed.

    `probe` alone is inside the network: it asks the gateway, as the API's tasks do.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: Network,
        state: State,
        routes: ArmRoutes,
        env: Environment,
        allow: Permissions,
        gateway_url: str,
        time_zone: str,
        scale_cycle: CanaryFunction,
        attest: CanaryFunction,
        session_flag: CanaryFunction,
    ) -> None:
        super().__init__(scope, construct_id)
        self.probe = CanaryFunction(
            self,
            "Probe",
            folder="probe",
            timeout_seconds=40,
            environment={"GATEWAY_URL": gateway_url},
            vpc=network.vpc,
            group=network.paths.probe,
        )
        machine = resource_arn(self, "states", f"stateMachine:{names.MACHINE}")
        called = {
            "SCALE_CYCLE_FUNCTION": scale_cycle.alias.function_arn,
            "ATTEST_FUNCTION": attest.alias.function_arn,
            "SESSION_FLAG_FUNCTION": session_flag.alias.function_arn,
            "PROBE_FUNCTION": self.probe.alias.function_arn,
        }
        self.drill = CanaryFunction(
            self,
            "Drill",
            folder="drill",
            timeout_seconds=900,
            environment=env.releases
            | (env.rollbacks | env.rules | env.sets | env.prefix)
            | (env.metrics | env.critical | called)
            | {"RELEASE_MACHINE_ARN": machine},
            may=[
                allow.write(state.tables.releases),
                allow.items(state.tables.rollbacks, "DeleteItem", "Query"),
                allow.parameters("GetParameter", *_READ),
                allow.parameters("PutParameter", "assignment", "status"),
                allow.act("elasticloadbalancing:ModifyRule", *routes.rule_arns),
                allow.act("lambda:InvokeFunction", *called.values()),
                allow.act("states:StartExecution", machine),
                allow.executions(names.MACHINE, "DescribeExecution", "StopExecution"),
                allow.task_sets(names.CLUSTER, names.GATEWAY_SERVICE, scale=True),
                *(state.policy.may_read(), allow.see_alarms(), allow.put_metrics(names.NAMESPACE)),
                allow.see("elasticloadbalancing:DescribeRules"),
            ],
        )
        self._run_weekly(time_zone)
        self._tell(state.topics.on_call)

    def _run_weekly(self, time_zone: str) -> None:
        """Ask each working morning: the function drills once a week, when nothing is released."""
        role = iam.Role(
            self,
            "ScheduleRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}},
            ),
        )
        target = self.drill.alias.function_arn
        role.add_to_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[target])
        )
        scheduler.CfnSchedule(
            self,
            "Schedule",
            name="canary-drill",
            description="A fire drill of the rollback, once a week",
            schedule_expression=_WORKING_HOURS,
            schedule_expression_timezone=time_zone,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=target,
                role_arn=role.role_arn,
                input='{"scheduled": "<aws.scheduler.scheduled-time>"}',
            ),
        )

    def _tell(self, on_call: sns.ITopic) -> None:
        add_fault_alarm(
            self,
            "drill-failed",
            name="drill-failed",
            description="A fire drill found a step of the rollback that does not work: the next "
            "rollback may not either.",
            metric=_figure("DrillFailed", cdk.Duration.minutes(5), "Sum"),
            tell=on_call,
        )
        add_fault_alarm(
            self,
            "drill-late",
            name="drill-late",
            description=f"No fire drill has passed for {LATE_DAYS} days, though no release was "
            "active: nobody knows whether the rollback works.",
            metric=_figure("DrillAgeSeconds", cdk.Duration.minutes(5), "Maximum"),
            tell=on_call,
            threshold=LATE_DAYS * 86_400,
        )


def _figure(name: str, period: cdk.Duration, statistic: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=names.NAMESPACE, metric_name=name, period=period, statistic=statistic
    )
