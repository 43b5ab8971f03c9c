"""How many tasks the API has: by the requests that each gets, and by its processors."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from stacks.constructs.api_service import FIRST_TASKS

__all__ = ["ApiScaling"]

MOST_TASKS = 12
REQUESTS_PER_TASK = 1_500
"""A minute. A turn waits for its model: at 4 s a turn this is 100 turns under way in a task."""
CPU_PERCENT = 60
_COOL_IN = 300
_COOL_OUT = 60


class ApiScaling(Construct):
    """Target tracking of requests per task, summed over both target groups.

    CloudWatch's own policy watches one group by name. After a deployment the other one serves,
    and the policy would see no requests and scale in. Each group's figure is an average over its
    tasks; during a shift both groups hold the full count, so that the sum is right throughout.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: ecs.FargateService,
        groups: Mapping[str, elb.ApplicationTargetGroup],
    ) -> None:
        super().__init__(scope, construct_id)
        target = service.auto_scale_task_count(min_capacity=FIRST_TASKS, max_capacity=MOST_TASKS)
        target.scale_on_cpu_utilization(
            "Cpu",
            policy_name="api-cpu",
            target_utilization_percent=CPU_PERCENT,
            scale_in_cooldown=cdk.Duration.seconds(_COOL_IN),
            scale_out_cooldown=cdk.Duration.seconds(_COOL_OUT),
        )
        query = scaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty
        scaling.CfnScalingPolicy(
            self,
            "Requests",
            policy_name="api-requests-per-task",
            policy_type="TargetTrackingScaling",
            scaling_target_id=_target_id(target),
            target_tracking_scaling_policy_configuration=scaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=REQUESTS_PER_TASK,
                scale_in_cooldown=_COOL_IN,
                scale_out_cooldown=_COOL_OUT,
                customized_metric_specification=scaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty(
                    metrics=[
                        *(
                            query(
                                id=name,
                                return_data=False,
                                metric_stat=scaling.CfnScalingPolicy.TargetTrackingMetricStatProperty(
                                    metric=_requests_of(group), stat="Sum"
                                ),
                            )
                            for name, group in groups.items()
                        ),
                        query(
                            id="requests",
                            label="Requests per task",
                            expression=" + ".join(f"FILL({name}, 0)" for name in groups),
                            return_data=True,
                        ),
                    ]
                ),
            ),
        )


def _target_id(count: ecs.ScalableTaskCount) -> str:
    """The CDK shows the target of a service's count to its own policies only."""
    target = count.node.find_child("Target")
    assert isinstance(target, scaling.ScalableTarget)
    return target.scalable_target_id


def _requests_of(
    group: elb.ApplicationTargetGroup,
) -> scaling.CfnScalingPolicy.TargetTrackingMetricProperty:
    return scaling.CfnScalingPolicy.TargetTrackingMetricProperty(
        namespace="AWS/ApplicationELB",
        metric_name="RequestCountPerTarget",
        dimensions=[
            scaling.CfnScalingPolicy.TargetTrackingMetricDimensionProperty(
                name="TargetGroup", value=group.target_group_full_name
            )
        ],
    )
