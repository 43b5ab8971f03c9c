"""The objective that rollbacks are held to: 99% have traffic safe within 60 s of the alarm.

Drills are rollbacks too: with a week between them there is always a figure, and it is of this
region as it stands now.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from stacks.constructs.arm_widgets import graph
from stacks.names import NAMESPACE

__all__ = ["OBJECTIVE_PERCENT", "OBJECTIVE_SECONDS", "objective_widgets"]

OBJECTIVE_SECONDS = 60
OBJECTIVE_PERCENT = 99
_QUARTER = cdk.Duration.days(90)
_DAY = cdk.Duration.days(1)


def objective_widgets(region: str) -> list[cloudwatch.IWidget]:
    """The share of a quarter's rollbacks in time, the seconds behind it, and the last drills'."""
    within = cloudwatch.Stats.percentile_rank(OBJECTIVE_SECONDS)
    share = _figure("RollbackSafeSeconds", within, _QUARTER, f"% within {OBJECTIVE_SECONDS} s")
    counted = _figure("RollbackSafeSeconds", "SampleCount", _QUARTER, "rollbacks, drills included")
    return [
        cloudwatch.SingleValueWidget(
            title=f"Objective: {OBJECTIVE_PERCENT}% of rollbacks safe within {OBJECTIVE_SECONDS} s "
            "of the alarm (90 days)",
            region=region,
            width=8,
            height=6,
            period=_QUARTER,
            set_period_to_time_range=True,
            start="-P90D",
            metrics=[share, counted],
        ),
        graph(
            "From the alarm to safe weights (s)",
            region,
            [
                _figure("RollbackSafeSeconds", statistic, _DAY, label)
                for statistic, label in (("p50", "p50"), ("p99", "p99"))
            ],
            limit=OBJECTIVE_SECONDS,
            period=_DAY,
        ),
        graph(
            "Fire drills: alarm to safe weights (s), failed",
            region,
            [
                _figure("DrillSafeSeconds", "Maximum", _DAY, "seconds"),
                _figure("DrillFailed", "Sum", _DAY, "failed drills"),
            ],
            limit=OBJECTIVE_SECONDS,
            period=_DAY,
        ),
    ]


def _figure(name: str, statistic: str, period: cdk.Duration, label: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=NAMESPACE, metric_name=name, statistic=statistic, period=period, label=label
    )
