"""The API tier's own alarms: what stops and rolls back the deployment of an image.

They look at both target groups together, since after a deployment either may serve. The canary's
composite is not among them: a bad model is no reason to take back an image.
"""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

__all__ = ["ApiAlarms"]

ERROR_SHARE = 0.02
LEAST_ERRORS = 5
"""In a minute: less than that is noise, however little traffic there is."""
SLOW_SECONDS = 8
_MINUTE = cdk.Duration.minutes(1)
_RUNBOOK = "Runbook: docs/runbook.md#an-image-of-the-api"


class ApiAlarms(Construct):
    """`all`, each of which tells the person on call too."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        balancer: elb.ApplicationLoadBalancer,
        groups: Mapping[str, elb.ApplicationTargetGroup],
        smoke_test: lambda_.IFunction,
        on_call: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._balancer = {"LoadBalancer": balancer.load_balancer_full_name}
        self._groups = groups
        self._topic = on_call
        self.all = [
            self._errors(
                "api-target-5xx",
                "HTTPCode_Target_5XX_Count",
                "IF(e < n, e / n, 1)",
                f"The API's tasks answer 5xx to more than {ERROR_SHARE:.0%} of requests.",
            ),
            self._errors(
                "api-balancer-5xx",
                "HTTPCode_ELB_5XX_Count",
                "e / (e + n)",  # the balancer's request count leaves out what it answers itself
                f"The public load balancer itself answers 5xx to more than {ERROR_SHARE:.0%} of "
                "requests: tasks refuse, hang or are not there.",
            ),
            self._slow(),
            self._unhealthy(),
            self._failed_test(smoke_test),
        ]

    def _errors(self, name: str, metric: str, share: str, meaning: str) -> cloudwatch.Alarm:
        return self._alarm(
            name,
            meaning,
            cloudwatch.MathExpression(
                label="share",
                expression=f"IF(e >= {LEAST_ERRORS}, {share}, 0)",
                period=_MINUTE,
                using_metrics={
                    "e": self._metric(metric, self._balancer),
                    "n": self._metric("RequestCount", self._balancer),
                },
            ),
            threshold=ERROR_SHARE,
            points=(2, 3),
        )

    def _slow(self) -> cloudwatch.Alarm:
        return self._alarm(
            "api-slow",
            f"More than 1% of requests wait longer than {SLOW_SECONDS} s for their first byte.",
            self._metric("TargetResponseTime", self._balancer, "p99"),
            threshold=SLOW_SECONDS,
            points=(3, 5),
        )

    def _unhealthy(self) -> cloudwatch.Alarm:
        metrics: dict[str, cloudwatch.IMetric] = {
            name: self._metric(
                "UnHealthyHostCount",
                {**self._balancer, "TargetGroup": group.target_group_full_name},
                "Maximum",
            )
            for name, group in self._groups.items()
        }
        return self._alarm(
            "api-unhealthy-hosts",
            "A task of the API fails its health check.",
            cloudwatch.MathExpression(
                label="unhealthy",
                expression=" + ".join(f"FILL({name}, 0)" for name in metrics),
                period=_MINUTE,
                using_metrics=metrics,
            ),
            threshold=0,
            points=(3, 3),
        )

    def _failed_test(self, smoke_test: lambda_.IFunction) -> cloudwatch.Alarm:
        return self._alarm(
            "api-smoke-test",
            "The test of a new image failed, or could not answer: the deployment is taken back.",
            cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name="Errors",
                dimensions_map={"FunctionName": smoke_test.function_name},
                statistic="Sum",
                period=_MINUTE,
            ),
            threshold=0,
            points=(1, 1),
        )

    def _metric(
        self, name: str, dimensions: dict[str, str], statistic: str = "Sum"
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/ApplicationELB",
            metric_name=name,
            dimensions_map=dimensions,
            statistic=statistic,
            period=_MINUTE,
        )

    def _alarm(
        self,
        name: str,
        meaning: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float,
        points: tuple[int, int],
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=name,
            alarm_description=f"{meaning} An image under deployment is taken back. {_RUNBOOK}",
            metric=metric,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            threshold=threshold,
            datapoints_to_alarm=points[0],
            evaluation_periods=points[1],
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        return alarm
