"""The web application firewall before the public load balancer."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from stacks.names import WAF_LOGS

__all__ = ["WebAcl"]

REQUESTS_PER_ADDRESS = 2_000
"""In five minutes. A mobile carrier's many customers may share one address."""

_FREE_TEXT = ("SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericRFI_BODY")
"""Rules about bodies that a chat's own words would break: they count, and do not block. 4,000
characters of Japanese are more than the 8 KB of the first; customers paste links and markup."""

_MANAGED = {
    "AWSManagedRulesAmazonIpReputationList": (),
    "AWSManagedRulesCommonRuleSet": _FREE_TEXT,
    "AWSManagedRulesKnownBadInputsRuleSet": (),
}


class WebAcl(Construct):
    """AWS's managed rules and a limit per address; what is blocked or counted is logged.

    Cookies and credentials are left out of the log.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, balancer: elb.ApplicationLoadBalancer
    ) -> None:
        super().__init__(scope, construct_id)
        rules = [_limit(), *(_managed(*each) for each in enumerate(_MANAGED.items(), start=1))]
        acl = waf.CfnWebACL(
            self,
            "Acl",
            name="mangaassist-api",
            description="What may reach the API",
            scope="REGIONAL",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visible("mangaassist-api"),
            rules=rules,
        )
        waf.CfnWebACLAssociation(
            self, "Association", resource_arn=balancer.load_balancer_arn, web_acl_arn=acl.attr_arn
        )
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=WAF_LOGS,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        # WAF takes the group's ARN without the `:*` that CloudFormation gives it.
        destination = cdk.Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name=WAF_LOGS,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        logging = waf.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=acl.attr_arn,
            log_destination_configs=[destination],
            redacted_fields=[
                waf.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": name})
                for name in ("authorization", "cookie")
            ],
            logging_filter={
                "DefaultBehavior": "DROP",
                "Filters": [
                    {
                        "Behavior": "KEEP",
                        "Requirement": "MEETS_ANY",
                        "Conditions": [
                            {"ActionCondition": {"Action": action}}
                            for action in ("BLOCK", "COUNT", "EXCLUDED_AS_COUNT")
                        ],
                    }
                ],
            },
        )
        logging.node.add_dependency(log_group)


def _limit() -> waf.CfnWebACL.RuleProperty:
    """First, so that a flood is not charged to the managed groups."""
    return waf.CfnWebACL.RuleProperty(
        name="RequestsPerAddress",
        priority=0,
        action=waf.CfnWebACL.RuleActionProperty(block={}),
        statement=waf.CfnWebACL.StatementProperty(
            rate_based_statement=waf.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", evaluation_window_sec=300, limit=REQUESTS_PER_ADDRESS
            )
        ),
        visibility_config=_visible("requests-per-address"),
    )


def _managed(priority: int, group: tuple[str, tuple[str, ...]]) -> waf.CfnWebACL.RuleProperty:
    name, counted = group
    return waf.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
        statement=waf.CfnWebACL.StatementProperty(
            managed_rule_group_statement=waf.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=name,
                rule_action_overrides=[
                    waf.CfnWebACL.RuleActionOverrideProperty(
                        name=rule, action_to_use=waf.CfnWebACL.RuleActionProperty(count={})
                    )
                    for rule in counted
                ]
                or None,
            )
        ),
        visibility_config=_visible(name),
    )


def _visible(metric: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    """Counted; requests are not sampled, since a sample holds what customers sent."""
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=False
    )
