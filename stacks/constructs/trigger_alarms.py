"""The alarms that the policy's triggers ask for."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from canary.policy.compiled import CompiledPolicy, Trigger
from canary.routing.matching import MATCHED
from stacks.constructs import bounds
from stacks.constructs.alarm_limits import check_expression, with_runbook
from stacks.names import NAMESPACE

__all__ = ["TriggerAlarms", "guardrail", "harm_metric", "own_metric"]

_ROLLING_WINDOW = 60
_SHARED_WINDOW = 300
"""A shared incident is judged over at least this many seconds: it pauses, so it need not hurry."""
_ROLLING = frozenset({"Requests", "Errors", "SlowRequests", "Throttles"})
"""Counters that each task also publishes as a rolling 60-second count, every 10 seconds."""


class TriggerAlarms(Construct):
    """One alarm a trigger and window; `critical` roll back, `warning` pause."""

    def __init__(self, scope: Construct, construct_id: str, *, policy: CompiledPolicy) -> None:
        super().__init__(scope, construct_id)
        self._policy = policy
        self.critical: list[cloudwatch.Alarm] = []
        self.warning: list[cloudwatch.Alarm] = []
        for trigger in policy.triggers:
            alarms = self.critical if trigger.on_breach == "rollback" else self.warning
            if trigger.statistic == "harm":
                alarms.append(self._harm(trigger))
                continue
            if trigger.unit != "level":
                raise ValueError(
                    f"trigger {trigger.name}: a rate is watched as a level, not in {trigger.unit}; "
                    'a difference between arms is statistic = "harm"'
                )
            alarms += [self._rate(trigger, window) for window in trigger.windows_seconds]
            self.warning.append(self._shared(trigger))

    def _rate(self, trigger: Trigger, window: int) -> cloudwatch.Alarm:
        return guardrail(
            self,
            f"canary-{trigger.name}-{window}s",
            f"The canary's {trigger.name} rate over {window} s is above {trigger.threshold:g} with "
            f"confidence (Wilson's lower bound, z {trigger.z:g}, at least {trigger.min_events} "
            f"events), more than {trigger.ratio_to_control:g} times the control's and "
            f"above it by more than {trigger.z_to_control:g} standard errors.",
            bounds.breach(trigger),
            _counts(trigger, window),
            period=_period(window),
            threshold=bounds.observed_threshold(self._policy, trigger),
            # A task's rolling count may miss one 10-second slot and fall twice into the next.
            points=(1, 3) if window == _ROLLING_WINDOW else (1, 1),
        )

    def _shared(self, trigger: Trigger) -> cloudwatch.Alarm:
        windows = sorted(trigger.windows_seconds)
        window = next((each for each in windows if each >= _SHARED_WINDOW), windows[-1])
        return guardrail(
            self,
            f"shared-{trigger.name}",
            f"Both arms' {trigger.name} rates over {window} s are above {trigger.threshold:g} with "
            "confidence, and the canary's is not the worse one: a shared cause, which pauses "
            "the release and is no strike against the canary.",
            bounds.shared(trigger),
            _counts(trigger, window),
            period=_period(window),
            threshold=bounds.observed_threshold(self._policy, trigger),
        )

    def _harm(self, trigger: Trigger) -> cloudwatch.Alarm:
        return guardrail(
            self,
            f"canary-harm-{trigger.metric}",
            f"The canary harms {trigger.metric} by more than {trigger.threshold:g} "
            f"({trigger.unit}) against the control: the analysis' lower confidence bound of harm "
            f"over {trigger.windows_seconds[0]} s.",
            "harm",
            {"harm": own_metric(harm_metric(trigger), statistic="Maximum")},
            period=cdk.Duration.minutes(5),
            threshold=trigger.threshold,
            # The analysis runs every 5 minutes; two of its values may fall into one period.
            points=(1, 2),
        )


def guardrail(
    scope: Construct,
    name: str,
    description: str,
    expression: str,
    metrics: dict[str, cloudwatch.IMetric],
    *,
    period: cdk.Duration,
    threshold: float,
    points: tuple[int, int] = (1, 1),
) -> cloudwatch.Alarm:
    """An alarm on `expression` > `threshold` in `points` (so many of so many) periods.

    Without data it is OK: with no release there is nothing to count. Raises `AlarmLimitError`.
    """
    check_expression(name, expression, len(metrics))
    to_alarm, evaluated = points
    return cloudwatch.Alarm(
        scope,
        name,
        alarm_name=name,
        alarm_description=with_runbook(name, description),
        metric=cloudwatch.MathExpression(
            expression=expression, using_metrics=metrics, label=name, period=period
        ),
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        threshold=threshold,
        datapoints_to_alarm=to_alarm,
        evaluation_periods=evaluated,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def own_metric(name: str, arm: str = "", *, statistic: str = "Sum") -> cloudwatch.Metric:
    """A metric that the product publishes, of one arm or of none."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"Arm": arm} if arm else None,
        statistic=statistic,
    )


def harm_metric(trigger: Trigger) -> str:
    """The metric under which the analysis publishes a trigger's lower bound of harm."""
    return "Harm" + "".join(part.capitalize() for part in trigger.metric.split("_"))


def _counts(trigger: Trigger, window: int) -> dict[str, cloudwatch.IMetric]:
    names = (trigger.numerator, trigger.denominator)
    suffix = ""
    if window == _ROLLING_WINDOW:
        suffix = f"{_ROLLING_WINDOW}s"
        if unknown := sorted(set(names) - _ROLLING):
            raise ValueError(
                f"trigger {trigger.name}: {', '.join(unknown)} has no rolling count for a window "
                f"of {window} s; only {', '.join(sorted(_ROLLING))} have"
            )
    events, trials = (f"{name}{suffix}" for name in names)
    return {
        "e": own_metric(events, "canary"),
        "n": own_metric(trials, "canary"),
        "ec": own_metric(events, "control"),
        "nc": own_metric(trials, "control"),
        "em": own_metric(events, MATCHED),
        "nm": own_metric(trials, MATCHED),
    }


def _period(window: int) -> cdk.Duration:
    return cdk.Duration.seconds(10 if window == _ROLLING_WINDOW else window)
