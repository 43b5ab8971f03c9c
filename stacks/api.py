"""Stack `Api`: the public load balancer and the tasks that own sessions and arms."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import (
    aws_elasticloadbalancingv2 as elb,
)
from aws_cdk import (
    aws_logs as logs,
)
from aws_cdk import (
    aws_ssm as ssm,
)
from constructs import Construct

from stacks.constructs.api_service import ApiService
from stacks.constructs.balancer import balancer
from stacks.constructs.event_subscription import EventSubscription
from stacks.constructs.outputs import tell_operator
from stacks.gateway import Gateway
from stacks.names import API_LOGS, CERTIFICATE
from stacks.network import Network
from stacks.state import State
from stacks.traffic import Traffic

__all__ = ["Api"]


class Api(cdk.Stack):
    """What customers reach.

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
        service = ApiService(
            self,
            "Tasks",
            cluster=gateway.cluster,
            group=network.paths.api,
            cache=state.cache,
            gateway_url=traffic.url,
            log_group=self.log_group,
        )
        public = balancer(
            self,
            "Balancer",
            vpc=network.vpc,
            group=network.paths.public_balancer,
            access_logs=network.access_logs,
            public=True,
        )
        certificate = ssm.StringParameter.value_for_string_parameter(self, CERTIFICATE)
        public.add_listener(
            "Https",
            port=443,
            protocol=elb.ApplicationProtocol.HTTPS,
            certificates=[elb.ListenerCertificate.from_arn(certificate)],
            ssl_policy=elb.SslPolicy.RECOMMENDED_TLS,
            open=False,
            default_target_groups=[service.target_group],
        )
        public.add_redirect(open=False)
        tell_operator(
            self,
            {
                "PublicAddress": (
                    "Name of the public load balancer: point the API's domain at it (alias record)",
                    public.load_balancer_dns_name,
                ),
                "PublicZone": (
                    "Hosted zone of that name, which an alias record asks for",
                    public.load_balancer_canonical_hosted_zone_id,
                ),
            },
        )
