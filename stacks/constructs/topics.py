"""The two topics through which a release speaks to people."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

__all__ = ["Topics"]

_PUBLISHERS = ("cloudwatch.amazonaws.com", "events.amazonaws.com")


class Topics(Construct):
    """`canary-on-call` and `canary-ml-engineers`, encrypted with `key`.

    Alarms and rules publish as services: without their place in the key's policy and in the
    topics', an alarm's message is lost without a trace.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            description="Messages of the canary topics",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self.key.add_to_resource_policy(
            self._services("LetAlarmsAndRulesEncrypt", ["kms:Decrypt", "kms:GenerateDataKey*"], "*")
        )
        self.on_call = self._topic("OnCall", "canary-on-call")
        self.ml_engineers = self._topic("MlEngineers", "canary-ml-engineers")

    def _topic(self, construct_id: str, name: str) -> sns.Topic:
        topic = sns.Topic(
            self, construct_id, topic_name=name, master_key=self.key, enforce_ssl=True
        )
        topic.add_to_resource_policy(
            self._services("LetAlarmsAndRulesPublish", ["sns:Publish"], topic.topic_arn)
        )
        return topic

    def _services(self, sid: str, actions: list[str], resource: str) -> iam.PolicyStatement:
        account = cdk.Stack.of(self).account
        return iam.PolicyStatement(
            sid=sid,
            actions=actions,
            principals=[iam.ServicePrincipal(name) for name in _PUBLISHERS],
            resources=[resource],
            conditions={"StringEquals": {"aws:SourceAccount": account}},
        )
