"""The API's tasks, under CodeDeploy's controller.

The service's own properties are frozen from its first day: CloudFormation cannot update a service
under this controller once CodeDeploy has given it a task definition. What may change lives
elsewhere: the task definition is named by family, the count belongs to the autoscaling.
"""

from __future__ import annotations

import aws_cdk as cdk
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

from stacks import names
from stacks.constructs.paths import SERVICE_PORT

__all__ = ["FIRST_TASKS", "ApiService"]

FIRST_TASKS = 3
"""One a zone; the autoscaling never goes below."""


class ApiService(Construct):
    """Fargate service `api` in target groups `blue` and `green`.

    The service starts in blue. Each deployment starts the new tasks in the group that the other
    tasks are not in, so that afterwards either may be the one that serves.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: ecs.ICluster,
        group: ec2.ISecurityGroup,
        definition: ecs.FargateTaskDefinition,
    ) -> None:
        super().__init__(scope, construct_id)
        self.service = ecs.FargateService(
            self,
            "Service",
            service_name=names.API_SERVICE,
            cluster=cluster,
            task_definition=definition,
            desired_count=FIRST_TASKS,
            min_healthy_percent=100,
            max_healthy_percent=200,
            deployment_controller=ecs.DeploymentController(
                type=ecs.DeploymentControllerType.CODE_DEPLOY
            ),
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[group],
            health_check_grace_period=cdk.Duration.seconds(60),
        )
        _fix_logical_id(self.service.node.find_child("Service"), "ApiService")
        self.blue = self._target_group("BlueTargetGroup", cluster.vpc)
        self.green = self._target_group("GreenTargetGroup", cluster.vpc)
        self.service.attach_to_application_target_group(self.blue)
        self.service.node.add_dependency(definition)

    def _target_group(self, name: str, vpc: ec2.IVpc) -> elb.ApplicationTargetGroup:
        group = elb.ApplicationTargetGroup(
            self,
            name,
            vpc=vpc,
            port=SERVICE_PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            target_type=elb.TargetType.IP,
            deregistration_delay=cdk.Duration.seconds(60),
            health_check=elb.HealthCheck(
                path="/healthz",
                healthy_http_codes="200",
                interval=cdk.Duration.seconds(10),
                timeout=cdk.Duration.seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
        )
        _fix_logical_id(group.node.default_child, name)
        return group


def _fix_logical_id(resource: object, logical_id: str) -> None:
    assert isinstance(resource, cdk.CfnResource)
    resource.override_logical_id(logical_id)
