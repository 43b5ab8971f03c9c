"""The two topics through which a release speaks to people."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

__all__ = ["Topics"]

_ALARMS = "cloudwatch.amazonaws.com"
_RULES = "events.amazonaws.com"
_ENCRYPT = ("kms:Decrypt", "kms:GenerateDataKey*")


class Topics(Construct):
    """`canary-on-call` and `canary-ml-engineers`, encrypted with `key`.

    Alarms and rules publish as services: without their place in the key's policy and in the
    topics', an alarm's message is lost without a trace. So would a rule's be if the key asked for
    its account: EventBridge does not name one to KMS. Its place in the topics' policies does.
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
            iam.PolicyStatement(
                sid="LetAlarmsEncrypt",
                actions=list(_ENCRYPT),
                principals=[iam.ServicePrincipal(_ALARMS)],
                # In a key's own policy `*` is this key, and nothing else can stand there.
                resources=["*"],
                conditions=self._this_account(),
            )
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LetRulesEncrypt",
                actions=list(_ENCRYPT),
                principals=[iam.ServicePrincipal(_RULES)],
                # This key, as above.
                resources=["*"],
            )
        )
        self.on_call = self._topic("OnCall", "canary-on-call")
        self.ml_engineers = self._topic("MlEngineers", "canary-ml-engineers")

    def _topic(self, construct_id: str, name: str) -> sns.Topic:
        topic = sns.Topic(
            self, construct_id, topic_name=name, master_key=self.key, enforce_ssl=True
        )
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LetAlarmsAndRulesPublish",
                actions=["sns:Publish"],
                principals=[iam.ServicePrincipal(name) for name in (_ALARMS, _RULES)],
                resources=[topic.topic_arn],
                conditions=self._this_account(),
            )
        )
        return topic

    def _this_account(self) -> dict[str, dict[str, str]]:
        return {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}}
