"""One ECS service under the EXTERNAL controller, and its two task sets, one an arm."""

from __future__ import annotations

from typing import Literal

from aws_cdk import (
    aws_ec2 as ec2,
)
from aws_cdk import (
    aws_ecs as ecs,
)
from aws_cdk import (
    aws_elasticloadbalancingv2 as elb,
)
from constructs import Construct

from stacks.constructs.gateway_task import CONTAINER, GatewayTask
from stacks.constructs.paths import SERVICE_PORT
from stacks.constructs.steady_sets import SteadySets
from stacks.names import GATEWAY_SERVICE

__all__ = ["ArmTaskSets"]

_SCALE = {"primary": 100, "canary": 0}


class ArmTaskSets(Construct):
    """Service `gateway`: its desired count is for both sets, each runs its percentage of it.

    The template does not state the count: a deploy would set it back to what load has outgrown.

    The release changes nothing here but the scales; it finds the sets by their external ids, since
    a new task definition replaces both.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: ecs.ICluster,
        tasks: dict[Literal["primary", "canary"], GatewayTask],
        target_groups: dict[Literal["primary", "canary"], elb.IApplicationTargetGroup],
        group: ec2.ISecurityGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self._network = ecs.CfnTaskSet.NetworkConfigurationProperty(
            aws_vpc_configuration=ecs.CfnTaskSet.AwsVpcConfigurationProperty(
                subnets=cluster.vpc.select_subnets(
                    subnet_type=ec2.SubnetType.PRIVATE_ISOLATED
                ).subnet_ids,
                security_groups=[group.security_group_id],
                assign_public_ip="DISABLED",
            )
        )
        service = ecs.CfnService(
            self,
            "Service",
            cluster=cluster.cluster_arn,
            service_name=GATEWAY_SERVICE,
            deployment_controller=ecs.CfnService.DeploymentControllerProperty(type="EXTERNAL"),
            scheduling_strategy="REPLICA",
        )
        service.override_logical_id("GatewayService")
        self.service_name = service.attr_name
        self.service = service
        self.sets = sets = {
            name: self._task_set(name, cluster, service, tasks[name], target_groups[name])
            for name in tasks
        }
        steady = SteadySets(self, "SteadyState", task_sets=list(sets.values()))
        primary = ecs.CfnPrimaryTaskSet(
            self,
            "PrimaryTaskSet",
            cluster=cluster.cluster_arn,
            service=service.attr_name,
            task_set_id=sets["primary"].attr_id,
        )
        primary.node.add_dependency(steady.resource)

    def _task_set(
        self,
        name: Literal["primary", "canary"],
        cluster: ecs.ICluster,
        service: ecs.CfnService,
        task: GatewayTask,
        target_group: elb.IApplicationTargetGroup,
    ) -> ecs.CfnTaskSet:
        task_set = ecs.CfnTaskSet(
            self,
            f"{name.capitalize()}Set",
            cluster=cluster.cluster_arn,
            service=service.attr_name,
            task_definition=task.definition.task_definition_arn,
            external_id=name,
            launch_type="FARGATE",
            platform_version="1.4.0",
            scale=ecs.CfnTaskSet.ScaleProperty(unit="PERCENT", value=_SCALE[name]),
            network_configuration=self._network,
            load_balancers=[
                ecs.CfnTaskSet.LoadBalancerProperty(
                    container_name=CONTAINER,
                    container_port=SERVICE_PORT,
                    target_group_arn=target_group.target_group_arn,
                )
            ],
        )
        # A task starts with its role's policies in place, not while they are being attached.
        task_set.node.add_dependency(task.definition)
        return task_set
