"""Stack `Gateway`: the tasks that call the models, one task set an arm."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from canary.policy.compiled import CompiledPolicy
from stacks.constructs.arm_task_sets import ArmTaskSets
from stacks.constructs.content_guardrail import ContentGuardrail
from stacks.constructs.deploy_guard import guard
from stacks.constructs.gateway_task import GatewayTask
from stacks.constructs.image import service_image
from stacks.constructs.total_load_scaling import TotalLoadScaling
from stacks.names import CLUSTER, GATEWAY_LOGS
from stacks.network import Network
from stacks.state import State
from stacks.traffic import Traffic

__all__ = ["Gateway"]


class Gateway(cdk.Stack):
    """The cluster, and the model gateway in it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: Network,
        state: State,
        traffic: Traffic,
        policy: CompiledPolicy,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        # ECS refuses a task set whose target group no rule forwards to, and a task needs its seeded
        # model to start.
        self.add_stack_dependency(traffic)
        self.add_stack_dependency(state)
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=CLUSTER,
            vpc=network.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
        )
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=GATEWAY_LOGS,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        image = service_image(self, "gateway")
        guardrail = ContentGuardrail(self, "Content")
        self.task_sets = ArmTaskSets(
            self,
            "Sets",
            cluster=self.cluster,
            tasks={
                name: GatewayTask(
                    self,
                    name.capitalize(),
                    task_set=name,
                    image=image,
                    models=policy.models,
                    guardrail=guardrail,
                    releases=state.tables.releases,
                    log_group=log_group,
                )
                for name in ("primary", "canary")
            },
            target_groups={
                "primary": traffic.routes.primary,
                "canary": traffic.routes.canary,
            },
            group=network.paths.gateway,
        )
        scaling = TotalLoadScaling(
            self,
            "Scaling",
            service=self.task_sets.service,
            routes=traffic.routes,
            balancer=traffic.balancer,
        )
        for task_set in self.task_sets.sets.values():
            # The first tasks are as many as the last: nobody waits for one and then meets three.
            task_set.node.add_dependency(scaling.target)
        guard(
            self,
            service_token=state.deploy_guard.service_token,
            types={
                # Tasks name a version by reference: another one replaces them all.
                "AWS::Bedrock::Guardrail",
                "AWS::Bedrock::GuardrailVersion",
                "AWS::ECS::PrimaryTaskSet",
                "AWS::ECS::Service",
                "AWS::ECS::TaskDefinition",
                "AWS::ECS::TaskSet",
            },
        )
