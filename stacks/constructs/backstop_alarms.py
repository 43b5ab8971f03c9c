"""Alarms that do not depend on the API's own counting, and the one that hears silence."""

from __future__ import annotations

import dataclasses

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from canary.policy.compiled import CompiledPolicy, Trigger
from stacks.constructs import bounds
from stacks.constructs.arm_routes import ArmRoutes
from stacks.constructs.trigger_alarms import guardrail, own_metric

__all__ = ["BackstopAlarms"]

_MINUTE = cdk.Duration.minutes(1)
_ASKED = "FILL(asked, 0) > 0"


class BackstopAlarms(Construct):
    """What the load balancer itself sees (`critical`), and missing requests (`warning`)."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        policy: CompiledPolicy,
        routes: ArmRoutes,
        balancer: elb.ApplicationLoadBalancer,
    ) -> None:
        super().__init__(scope, construct_id)
        self._routes = routes
        self._balancer = balancer
        errors = _errors(policy)
        self.critical = [
            self._rate(
                "canary-5xx",
                "HTTPCode_Target_5XX_Count",
                errors,
                "The canary's tasks answer 5xx to more than {:g} of requests with confidence, by "
                "the load balancer's count, and more than {:g} times as often as the primary's, "
                "which are well.",
            ),
            self._rate(
                "canary-connection-errors",
                "TargetConnectionErrorCount",
                errors,
                "The load balancer fails to connect to the canary's tasks for more than {:g} of "
                "requests with confidence, and more than {:g} times as often as to the primary's, "
                "which are well.",
            ),
            self._no_healthy_host(),
        ]
        self.warning = [self._silent(policy.statistics.silence_seconds)]

    def _rate(self, name: str, metric: str, errors: Trigger, description: str) -> cloudwatch.Alarm:
        primary, canary = self._routes.primary, self._routes.canary
        return guardrail(
            self,
            name,
            description.format(errors.threshold, errors.ratio_to_control),
            bounds.backstop(errors),
            {
                "e": self._of_group(metric, canary),
                "n": self._of_group("RequestCount", canary),
                "ec": self._of_group(metric, primary),
                "nc": self._of_group("RequestCount", primary),
            },
            period=_MINUTE,
            threshold=errors.threshold,
        )

    def _no_healthy_host(self) -> cloudwatch.Alarm:
        return guardrail(
            self,
            "canary-no-healthy-host",
            "The canary is asked to take traffic and has no healthy task.",
            f"IF({_ASKED} AND FILL(healthy, 0) < 1, 1, 0)",
            {
                "asked": own_metric("AskedShare", "canary", statistic="Maximum"),
                "healthy": self._of_group("HealthyHostCount", self._routes.canary, "Maximum"),
            },
            period=_MINUTE,
            threshold=0,
            # The newest minute may not have its count yet.
            points=(2, 3),
        )

    def _silent(self, seconds: int) -> cloudwatch.Alarm:
        minutes = max(1, seconds // 60)
        return guardrail(
            self,
            "canary-silent",
            f"The canary is asked to take traffic and had no request for {minutes} min. Silence is "
            "not health: the release pauses.",
            f"IF({_ASKED} AND FILL(n, 0) <= 0, 1, 0)",
            {
                "asked": own_metric("AskedShare", "canary", statistic="Maximum"),
                "n": own_metric("Requests", "canary"),
            },
            period=_MINUTE,
            threshold=0,
            # The share is published once a minute and may miss a period.
            points=(minutes, minutes + 1),
        )

    def _of_group(
        self, metric: str, group: elb.ApplicationTargetGroup, statistic: str = "Sum"
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/ApplicationELB",
            metric_name=metric,
            dimensions_map={
                "TargetGroup": group.target_group_full_name,
                "LoadBalancer": self._balancer.load_balancer_full_name,
            },
            statistic=statistic,
        )


def _errors(policy: CompiledPolicy) -> Trigger:
    """The policy's trigger on errors, whose limit the load balancer's counts must keep too."""
    for trigger in policy.triggers:
        if trigger.statistic == "rate" and trigger.numerator == "Errors":
            return dataclasses.replace(trigger, windows_seconds=(60,))
    raise ValueError('the policy needs a trigger with numerator = "Errors": the backstops share it')
