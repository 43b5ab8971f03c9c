"""The function that writes reports, what makes it write one, and the alarm when it cannot."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.environment import Environment
from stacks.constructs.fault_alarm import add_fault_alarm
from stacks.constructs.function import CanaryFunction
from stacks.constructs.layer import plots_layer
from stacks.constructs.permissions import Permissions
from stacks.state import State

__all__ = ["ReportFunction"]

_ALARM = "report-failed"
_ENDED = ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


class ReportFunction(Construct):
    """`write` is called by the progression before a person is asked, and when a release ended.

    Nothing waits for it but the question to a person, and that is asked without it too: its alarm
    tells the ML engineers, and stops no release.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        state: State,
        env: Environment,
        allow: Permissions,
        layer: lambda_.ILayerVersion,
    ) -> None:
        super().__init__(scope, construct_id)
        self.write = CanaryFunction(
            self,
            "Write",
            folder="report",
            timeout_seconds=300,
            environment=env.releases
            | env.rollbacks
            | env.reports
            | env.queries
            # Matplotlib keeps its list of fonts where it may write.
            | {"MPLCONFIGDIR": "/tmp/matplotlib"},  # noqa: S108 - the function's own
            may=(
                allow.items(state.tables.releases, "GetItem", "Query"),
                allow.items(state.tables.rollbacks, "Query"),
                allow.write_reports(state.reports, "html", "json"),
                *allow.read_looks(state.reports),
                *allow.query(state.events),
            ),
            layer=layer,
            more_layers=[plots_layer(self)],
        )
        add_fault_alarm(
            self,
            "Failed",
            name=_ALARM,
            description="A call of the report's function ended in an error. No release waits for "
            "it; `canary report RELEASE` makes the report.",
            metric=self.write.function.metric_errors(
                period=cdk.Duration.minutes(5), statistic="Sum"
            ),
            tell=state.topics.ml_engineers,
        )

    def follow(self, machine_arn: str) -> None:
        """Write a release's report when its execution has ended, however it did.

        A rollback stops the execution last, so the report never comes before the traffic.
        """
        events.Rule(
            self,
            "EndedReleases",
            description="A release that has ended gets its last report",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={"stateMachineArn": [machine_arn], "status": _ENDED},
            ),
            targets=[targets.LambdaFunction(self.write.alias)],
        )
