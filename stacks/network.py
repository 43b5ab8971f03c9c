"""Stack `Network`: the VPC, who may talk to whom in it, and the bucket of access logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from stacks.constructs.bucket import PrivateBucket
from stacks.constructs.logs_key import LogsKey
from stacks.constructs.paths import Paths
from stacks.constructs.vpc import IsolatedVpc

__all__ = ["Network"]


class Network(cdk.Stack):
    """What everything else of a region stands in."""

    def __init__(
        self, scope: Construct, construct_id: str, *, zones: Sequence[str], **stack: Any
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        self.logs_key = LogsKey(self, "LogsKey").key
        self.access_logs = PrivateBucket(
            self, "AccessLogs", keep=cdk.Duration.days(90), receives_access_logs=True
        ).bucket
        network = IsolatedVpc(self, "Isolated", zones=zones, logs=self.access_logs)
        self.vpc = network.vpc
        self.paths = Paths(self, "Paths", vpc=self.vpc, endpoints=network.endpoints)
