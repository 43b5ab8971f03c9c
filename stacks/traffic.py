"""Stack `Traffic`: the internal load balancer and the rules that a release moves.

It stands alone because it must hardly ever change.
"""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from stacks.constructs.arm_routes import ArmRoutes
from stacks.constructs.balancer import balancer
from stacks.constructs.deploy_guard import guard
from stacks.constructs.outputs import tell_operator
from stacks.network import Network
from stacks.state import State

__all__ = ["Traffic"]


class Traffic(cdk.Stack):
    """The way from the API's tasks to the gateway's two task sets."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: Network,
        state: State,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        self.balancer = balancer(
            self,
            "Balancer",
            vpc=network.vpc,
            group=network.paths.gateway_balancer,
            access_logs=network.access_logs,
            public=False,
        )
        self.routes = ArmRoutes(self, "Routes", vpc=network.vpc, balancer=self.balancer)
        guard(
            self,
            service_token=state.deploy_guard.service_token,
            types={
                "AWS::ElasticLoadBalancingV2::Listener",
                "AWS::ElasticLoadBalancingV2::ListenerRule",
                "AWS::ElasticLoadBalancingV2::TargetGroup",
            },
        )
        tell_operator(
            self,
            {
                "ControlRuleArn": (
                    "Rule 1 (header control), for a rollback by hand",
                    self.routes.control_rule.listener_rule_arn,
                ),
                "CanaryRuleArn": (
                    "Rule 2 (header canary), for a rollback by hand",
                    self.routes.canary_rule.listener_rule_arn,
                ),
                "DrawRuleArn": (
                    "Rule 3 (everything else), for a rollback by hand",
                    self.routes.draw_rule.listener_rule_arn,
                ),
                "PrimaryTargetGroupArn": (
                    "Target group of the primary task set",
                    self.routes.primary.target_group_arn,
                ),
                "CanaryTargetGroupArn": (
                    "Target group of the canary task set",
                    self.routes.canary.target_group_arn,
                ),
            },
        )

    @property
    def url(self) -> str:
        """Where the API's tasks find the gateway."""
        return f"http://{self.balancer.load_balancer_dns_name}"
