"""The gateway's listener: two target groups, one an arm, and the three rules that split traffic.

CloudFormation owns the rules' safe form, everything on primary, and never changes it: the release
moves the weights, and an update of an unchanged resource leaves live weights alone. So neither
rules nor target groups carry anything that changes between deploys, and their logical ids are
fixed.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from stacks.constructs.paths import HTTP, SERVICE_PORT

__all__ = ["ARM_HEADER", "ArmRoutes"]

ARM_HEADER = "x-canary-arm"
_DRAIN = cdk.Duration.seconds(60)


class ArmRoutes(Construct):
    """Target groups `primary` and `canary`, and rules `control`, `canary` and `draw`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        balancer: elb.ApplicationLoadBalancer,
    ) -> None:
        super().__init__(scope, construct_id)
        self.primary = self._target_group("PrimaryTargetGroup", vpc)
        self.canary = self._target_group("CanaryTargetGroup", vpc)
        self.listener = balancer.add_listener(
            "Listener",
            port=HTTP,
            protocol=elb.ApplicationProtocol.HTTP,
            open=False,
            default_action=elb.ListenerAction.fixed_response(
                503, content_type="text/plain", message_body="no rule matched"
            ),
        )
        header = elb.ListenerCondition.http_header
        self.control_rule = self._rule("ControlHeaderRule", 10, header(ARM_HEADER, ["control"]))
        self.canary_rule = self._rule("CanaryHeaderRule", 20, header(ARM_HEADER, ["canary"]))
        self.draw_rule = self._rule("DrawRule", 30, elb.ListenerCondition.path_patterns(["/*"]))

    @property
    def rule_arns(self) -> list[str]:
        """The three rules, the only ones that a release may change."""
        return [
            rule.listener_rule_arn for rule in (self.control_rule, self.canary_rule, self.draw_rule)
        ]

    def _target_group(self, name: str, vpc: ec2.IVpc) -> elb.ApplicationTargetGroup:
        group = elb.ApplicationTargetGroup(
            self,
            name,
            vpc=vpc,
            port=SERVICE_PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            target_type=elb.TargetType.IP,
            deregistration_delay=_DRAIN,
            health_check=elb.HealthCheck(
                path="/healthz",
                healthy_http_codes="200",
                interval=cdk.Duration.seconds(10),
                timeout=cdk.Duration.seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
        )
        _fix_logical_id(group, name)
        return group

    def _rule(
        self, name: str, priority: int, condition: elb.ListenerCondition
    ) -> elb.ApplicationListenerRule:
        rule = elb.ApplicationListenerRule(
            self,
            name,
            listener=self.listener,
            priority=priority,
            conditions=[condition],
            action=elb.ListenerAction.weighted_forward(
                [
                    elb.WeightedTargetGroup(target_group=self.primary, weight=100),
                    elb.WeightedTargetGroup(target_group=self.canary, weight=0),
                ]
            ),
        )
        _fix_logical_id(rule, name)
        return rule


def _fix_logical_id(construct: Construct, logical_id: str) -> None:
    resource = construct.node.default_child
    assert isinstance(resource, cdk.CfnResource)
    resource.override_logical_id(logical_id)
