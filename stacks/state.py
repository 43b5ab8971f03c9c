"""Stack `State`: what a release remembers, whom it tells, and where its events lie."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from canary.policy.compiled import CompiledPolicy
from stacks.constructs.bucket import PrivateBucket
from stacks.constructs.cache import SessionCache
from stacks.constructs.deploy_guard import DeployGuardFunction
from stacks.constructs.event_alarms import EventAlarms
from stacks.constructs.event_store import EventStore
from stacks.constructs.outputs import tell_operator
from stacks.constructs.parameters import PolicyParameter, SeededParameters
from stacks.constructs.tables import ReleaseTables
from stacks.constructs.topics import Topics
from stacks.network import Network

__all__ = ["State"]

_KEEP_LOOKS = cdk.Duration.days(1096)
"""Three years: a decision can be made again as long as an audit may ask for it."""


class State(cdk.Stack):
    """Everything that outlives a deploy."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: Network,
        policy: CompiledPolicy,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        self.tables = ReleaseTables(self, "Tables")
        self.deploy_guard = DeployGuardFunction(self, "DeployGuard", releases=self.tables.releases)
        self.topics = Topics(self, "Topics")
        SeededParameters(self, "Seeded", model=policy.models[0].id)
        self.policy = PolicyParameter(self, "Policy", policy=policy)
        self.cache = SessionCache(self, "Cache", vpc=network.vpc, group=network.paths.cache)
        self.dashboard = PrivateBucket(self, "Dashboard", access_logs=network.access_logs).bucket
        self.reports = PrivateBucket(self, "Reports", access_logs=network.access_logs).bucket
        self.reports.add_lifecycle_rule(id="Looks", prefix="looks/", expiration=_KEEP_LOOKS)
        events = PrivateBucket(
            self, "Events", keep=cdk.Duration.days(400), access_logs=network.access_logs
        ).bucket
        events.add_lifecycle_rule(
            id="QueryResults", prefix="results/", expiration=cdk.Duration.days(7)
        )
        self.events = EventStore(self, "EventStore", bucket=events)
        EventAlarms(self, "EventAlarms", on_call=self.topics.on_call)
        tell_operator(
            self,
            {
                "DashboardBucket": (
                    "Bucket of dashboard.json and the status page",
                    self.dashboard.bucket_name,
                ),
                "EventsBucket": ("Bucket of the experiment's events", events.bucket_name),
                "ReportsBucket": (
                    "Bucket of the reports and of the looks behind them",
                    self.reports.bucket_name,
                ),
                "OnCallTopicArn": (
                    "Topic of the person on call: subscribe before the first release",
                    self.topics.on_call.topic_arn,
                ),
                "MlEngineersTopicArn": (
                    "Topic of the ML engineers: subscribe before the first release",
                    self.topics.ml_engineers.topic_arn,
                ),
                "TestsTable": (
                    "Table of registered tests, their levels and their ends",
                    self.tables.tests.table_name,
                ),
                "ReleasesTable": (
                    "Table of release records, the lock and the candidates' memory",
                    self.tables.releases.table_name,
                ),
            },
        )
