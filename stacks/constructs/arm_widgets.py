"""Widgets of the dashboards: what the product publishes, control and canary in one picture.

Only metrics by name: a widget made here can show any region, from a dashboard in any other.
"""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from canary.policy.compiled import CompiledPolicy, Trigger
from stacks.constructs import bounds
from stacks.constructs.trigger_alarms import harm_metric, own_metric

__all__ = ["CANARY", "CONTROL", "ArmWidgets", "graph"]

CONTROL = cloudwatch.Color.BLUE
CANARY = cloudwatch.Color.ORANGE
_BOUND = cloudwatch.Color.RED
_FIVE_MINUTES = cdk.Duration.minutes(5)


class ArmWidgets:
    """The widgets of one region. Each graph is a third of a row."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self._policy = policy
        self._region = policy.region

    def state(self) -> cloudwatch.IWidget:
        """Where the release stands, as the reconciler last said."""
        return cloudwatch.SingleValueWidget(
            title=f"Release in {self._region}",
            region=self._region,
            width=8,
            height=6,
            period=cdk.Duration.minutes(1),
            metrics=[
                own_metric("ReleaseActive", statistic="Maximum").with_(label="release active"),
                own_metric("ReleaseHeld", statistic="Maximum").with_(label="held"),
                own_metric("StagePercent", statistic="Maximum").with_(label="stage %"),
                own_metric("AskedShare", "canary", statistic="Maximum").with_(label="asked share"),
            ],
        )

    def requests(self) -> cloudwatch.IWidget:
        """Requests of both arms."""
        return graph(
            "Requests",
            self._region,
            [
                own_metric("Requests", "control").with_(label="control", color=CONTROL),
                own_metric("Requests", "canary").with_(label="canary", color=CANARY),
            ],
        )

    def share(self) -> cloudwatch.IWidget:
        """The canary's share as the record asks for it and as requests show it.

        They are close and not equal: the asked share is of conversations drawn, the other of
        requests, in which a long conversation counts more.
        """
        observed = cloudwatch.MathExpression(
            expression="n / (n + nc)",
            using_metrics={"n": own_metric("Requests", "canary"), "nc": _control("Requests")},
            label="of requests",
            color=CANARY,
        )
        asked = own_metric("AskedShare", "canary", statistic="Maximum")
        return graph(
            "Share of the canary",
            self._region,
            [asked.with_(label="asked", color=CONTROL), observed],
        )

    def rates(self) -> list[cloudwatch.IWidget]:
        """Each rate that the policy watches: errors first, and the others in its order."""
        watched = [each for each in self._policy.triggers if each.statistic == "rate"]
        return [self.rate(trigger) for trigger in watched]

    def rate(self, trigger: Trigger) -> cloudwatch.IWidget:
        """Both arms' rate, and the canary's lower bound with the limit that it must keep."""
        events, trials = trigger.numerator, trigger.denominator
        canary = {"e": own_metric(events, "canary"), "n": own_metric(trials, "canary")}
        control = {"ec": _control(events), "nc": _control(trials)}
        return graph(
            f"Rate of {trigger.name}",
            self._region,
            [
                _expression("ec / nc", control, "control", CONTROL),
                _expression("e / n", canary, "canary", CANARY),
                _expression(
                    bounds.lower_bound("e", "n", trigger.z),
                    canary,
                    "canary, at least (lower bound)",
                    _BOUND,
                ),
            ],
            limit=bounds.observed_threshold(self._policy, trigger),
        )

    def harms(self) -> list[cloudwatch.IWidget]:
        """Each published lower bound of harm, with the limit that holds the release."""
        return [
            graph(
                f"Harm to {trigger.metric}, at least ({trigger.unit})",
                self._region,
                [
                    own_metric(harm_metric(trigger), statistic="Maximum").with_(
                        label=f"over {trigger.windows_seconds[0] // 3600} h", color=_BOUND
                    )
                ],
                limit=trigger.threshold,
                from_zero=False,
            )
            for trigger in self._policy.triggers
            if trigger.statistic == "harm"
        ]


def graph(
    title: str,
    region: str,
    lines: Sequence[cloudwatch.IMetric],
    *,
    limit: float | None = None,
    from_zero: bool = True,
    period: cdk.Duration = _FIVE_MINUTES,
) -> cloudwatch.GraphWidget:
    """Lines over time, a third of a row wide, with a limit drawn through them."""
    annotations = [] if limit is None else [_limit(limit)]
    return cloudwatch.GraphWidget(
        title=title,
        region=region,
        width=8,
        height=6,
        period=period,
        left=list(lines),
        left_annotations=annotations,
        left_y_axis=cloudwatch.YAxisProps(min=0) if from_zero else None,
    )


def _limit(value: float) -> cloudwatch.HorizontalAnnotation:
    return cloudwatch.HorizontalAnnotation(value=value, label="limit", color=_BOUND)


def _control(name: str) -> cloudwatch.Metric:
    return own_metric(name, "control")


def _expression(
    expression: str, metrics: dict[str, cloudwatch.Metric], label: str, color: str
) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=expression,
        using_metrics=dict(metrics),
        label=label,
        color=color,
        period=_FIVE_MINUTES,
    )
