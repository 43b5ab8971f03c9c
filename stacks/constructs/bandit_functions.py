"""The function that lets bandits learn, the one that publishes for them, and their alarms."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks import names
from stacks.arns import resource_arn
from stacks.constructs.environment import Environment
from stacks.constructs.fault_alarm import add_fault_alarm
from stacks.constructs.function import CanaryFunction
from stacks.constructs.permissions import Permissions
from stacks.network import Network
from stacks.state import State

__all__ = ["BanditFunctions"]

BEHIND_SECONDS = 4 * 3600
"""A batch is due every hour; after so long several have failed."""


class BanditFunctions(Construct):
    """`learn` reads, learns and writes outside the network; `publish` writes the cache inside it.

    Neither stands in a customer's way: until they work again, what was published last is served.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: Network,
        state: State,
        env: Environment,
        allow: Permissions,
        layer: lambda_.ILayerVersion,
    ) -> None:
        super().__init__(scope, construct_id)
        self.publish = CanaryFunction(
            self,
            "Publish",
            folder="publish_bandits",
            timeout_seconds=10,
            environment=env.cache,
            may=[allow.act("secretsmanager:GetSecretValue", state.cache.secret.secret_arn)],
            layer=layer,
            vpc=network.vpc,
            group=network.paths.publish_bandits,
        )
        endpoint = resource_arn(self, "sagemaker", f"endpoint/{names.QUALITY_ENDPOINT}")
        self.learn = CanaryFunction(
            self,
            "Learn",
            folder="learn",
            timeout_seconds=300,
            environment=env.bandits
            | (env.releases | env.prefix | env.metrics | env.queries)
            | (env.quality | env.engineers)
            | {"PUBLISH_FUNCTION": self.publish.alias.function_arn},
            may=[
                allow.items(state.tables.bandits, "GetItem", "PutItem"),
                allow.items(state.tables.releases, "GetItem"),
                *(allow.parameters("GetParameter", "policy"), state.policy.may_read()),
                *(*allow.query(state.events), allow.put_metrics(names.NAMESPACE)),
                allow.act("sagemaker:InvokeEndpoint", endpoint),
                allow.act("lambda:InvokeFunction", self.publish.alias.function_arn),
                *allow.publish(state.topics, on_call=False),
            ],
            layer=layer,
        )
        add_fault_alarm(
            self,
            "bandits-failed",
            name="bandits-failed",
            description="A bandit could not learn, was not scored, or what it serves was not "
            "published: the function's log says which and why. What was published last is "
            "served on.",
            metric=self.learn.function.metric_errors(
                period=cdk.Duration.minutes(5), statistic="Sum"
            ),
            tell=state.topics.ml_engineers,
        )
        add_fault_alarm(
            self,
            "bandits-late",
            name="bandits-late",
            description=f"Decisions whose rewards came more than {BEHIND_SECONDS // 3600} h ago "
            "have taught nothing yet.",
            metric=cloudwatch.Metric(
                namespace=names.NAMESPACE,
                metric_name="BanditBehindSeconds",
                period=cdk.Duration.hours(1),
                statistic="Maximum",
            ),
            tell=state.topics.ml_engineers,
            threshold=BEHIND_SECONDS,
        )
