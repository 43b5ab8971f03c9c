"""Keeps enough gateway tasks for the load of both arms together."""

from __future__ import annotations

from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from stacks.constructs.arm_routes import ArmRoutes
from stacks.names import CLUSTER

__all__ = ["TotalLoadScaling"]

MIN_TASKS = 3
"""One task a zone: each set at 100% carries everything; 20% of them is one canary task."""
MAX_TASKS = 24
"""28,800 requests a minute, eleven times the mean of 300,000 conversations of four turns a day
on one arm, with room for a second arm that carries everything during a promotion."""
REQUESTS_A_TASK = 1200
"""A minute. At four seconds a call that is 80 calls under way, of the 256 a task may have."""
_NAMESPACE, _METRIC = "AWS/ApplicationELB", "RequestCount"
_SCALE_OUT_SECONDS, _SCALE_IN_SECONDS = 60, 300


class TotalLoadScaling(Construct):
    """The service's desired count follows the requests of both target groups, per desired task.

    Both sets are percentages of that one count, and each must be able to carry everything: an
    average over the tasks of both would halve at 50/50, and a rollback would land on half a
    primary. The reconciler suspends scaling in while a release is active; out is never suspended.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: ecs.CfnService,
        routes: ArmRoutes,
        balancer: elb.ApplicationLoadBalancer,
    ) -> None:
        super().__init__(scope, construct_id)
        self._balancer = balancer
        self.target = scaling.CfnScalableTarget(
            self,
            "Target",
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=f"service/{CLUSTER}/{service.attr_name}",
            min_capacity=MIN_TASKS,
            max_capacity=MAX_TASKS,
        )
        query = scaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty
        scaling.CfnScalingPolicy(
            self,
            "Policy",
            policy_name="gateway-total-load",
            policy_type="TargetTrackingScaling",
            scaling_target_id=self.target.ref,
            target_tracking_scaling_policy_configuration=(
                scaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                    target_value=REQUESTS_A_TASK,
                    scale_out_cooldown=_SCALE_OUT_SECONDS,
                    scale_in_cooldown=_SCALE_IN_SECONDS,
                    customized_metric_specification=(
                        scaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty(
                            metrics=[
                                self._requests("primary", routes.primary),
                                self._requests("canary", routes.canary),
                                self._desired(service),
                                query(
                                    id="load",
                                    label="Requests of both arms a desired task and minute",
                                    # A group without requests publishes nothing.
                                    expression="(FILL(primary, 0) + FILL(canary, 0)) / desired",
                                    return_data=True,
                                ),
                            ]
                        )
                    ),
                )
            ),
        )

    def _requests(
        self, name: str, group: elb.ApplicationTargetGroup
    ) -> scaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty:
        dimensions = {
            "LoadBalancer": self._balancer.load_balancer_full_name,
            "TargetGroup": group.target_group_full_name,
        }
        return _query(name, _NAMESPACE, _METRIC, dimensions, "Sum")

    def _desired(
        self, service: ecs.CfnService
    ) -> scaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty:
        dimensions = {"ClusterName": CLUSTER, "ServiceName": service.attr_name}
        return _query("desired", "ECS/ContainerInsights", "DesiredTaskCount", dimensions, "Average")


def _query(
    name: str, namespace: str, metric: str, dimensions: dict[str, str], statistic: str
) -> scaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty:
    policy = scaling.CfnScalingPolicy
    return policy.TargetTrackingMetricDataQueryProperty(
        id=name,
        return_data=False,
        metric_stat=policy.TargetTrackingMetricStatProperty(
            stat=statistic,
            metric=policy.TargetTrackingMetricProperty(
                namespace=namespace,
                metric_name=metric,
                dimensions=[
                    policy.TargetTrackingMetricDimensionProperty(name=key, value=value)
                    for key, value in dimensions.items()
                ],
            ),
        ),
    )
