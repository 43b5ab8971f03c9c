"""Stack `Api`: the public load balancer, the tasks that own sessions and arms, their releases."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from canary.policy.compiled import CompiledPolicy
from stacks.constructs.api_alarms import ApiAlarms
from stacks.constructs.api_scaling import ApiScaling
from stacks.constructs.api_service import ApiService
from stacks.constructs.api_task import ApiTask
from stacks.constructs.event_subscription import EventSubscription
from stacks.constructs.image_deployment import ImageDeployment
from stacks.constructs.image_pipeline import ImagePipeline
from stacks.constructs.outputs import tell_operator
from stacks.constructs.public_entrance import PublicEntrance
from stacks.constructs.smoke_test import SmokeTest
from stacks.constructs.test_entrance import TestEntrance
from stacks.constructs.web_acl import WebAcl
from stacks.gateway import Gateway
from stacks.names import API_LOGS
from stacks.network import Network
from stacks.state import State
from stacks.traffic import Traffic

__all__ = ["Api"]


class Api(cdk.Stack):
    """What customers reach, and how a new image of it reaches them.

    Parameter `/mangaassist/api/certificate-arn` must hold the ARN of the region's certificate
    before the first deploy: a domain belongs to whoever deploys.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: Network,
        state: State,
        traffic: Traffic,
        gateway: Gateway,
        policy: CompiledPolicy,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=API_LOGS,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        EventSubscription(self, "Events", log_group=self.log_group, store=state.events)
        definition = ApiTask(
            self,
            "Task",
            cache=state.cache,
            gateway_url=traffic.url,
            intents=policy.intents,
            log_group=self.log_group,
        ).definition
        tasks = ApiService(
            self,
            "Tasks",
            cluster=gateway.cluster,
            group=network.paths.api,
            definition=definition,
        )
        entrance = PublicEntrance(
            self,
            "Public",
            vpc=network.vpc,
            group=network.paths.public_balancer,
            access_logs=network.access_logs,
            blue=tasks.blue,
        )
        WebAcl(self, "Firewall", balancer=entrance.balancer)
        smoke_test = SmokeTest(
            self,
            "Hook",
            url=TestEntrance(
                self,
                "TestEntrance",
                vpc=network.vpc,
                group=network.paths.test_entrance,
                access_logs=network.access_logs,
                test_listener=entrance.test,
            ).url,
            vpc=network.vpc,
            group=network.paths.smoke_test,
        ).function
        groups = {"blue": tasks.blue, "green": tasks.green}
        ApiScaling(self, "Scaling", service=tasks.service, groups=groups)
        alarms = ApiAlarms(
            self,
            "Alarms",
            balancer=entrance.balancer,
            groups=groups,
            smoke_test=smoke_test,
            on_call=state.topics.on_call,
        ).all
        deployment = ImageDeployment(
            self,
            "Deployment",
            tasks=tasks,
            definition=definition,
            entrance=entrance,
            smoke_test=smoke_test,
            alarms=alarms,
            on_call=state.topics.on_call,
        )
        ImagePipeline(
            self,
            "Images",
            deployment=deployment,
            definition=definition,
            smoke_test=smoke_test,
            access_logs=network.access_logs,
        )
        tell_operator(
            self,
            {
                "PublicAddress": (
                    "Name of the public load balancer: point the API's domain at it (alias record)",
                    entrance.balancer.load_balancer_dns_name,
                ),
                "PublicZone": (
                    "Hosted zone of that name, which an alias record asks for",
                    entrance.balancer.load_balancer_canonical_hosted_zone_id,
                ),
            },
        )
