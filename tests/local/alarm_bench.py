"""An emulator in this process with a metric store and an alarm evaluator, for tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3

from canary.local.alarm_actions import ActionRunner
from canary.local.alarms import AlarmEvaluator
from canary.local.metrics import MetricStore, series_key

ACCOUNT, REGION = "123456789012", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:act:live"
START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC).timestamp()


@dataclass
class StillClock:
    """A clock that a test sets."""

    at: float = START
    factor: float = 60.0

    def now(self) -> float:
        return self.at

    def real_seconds(self, virtual_seconds: float) -> float:
        return virtual_seconds / self.factor


@dataclass
class AlarmBench:
    """An emulator in this process, a store, an evaluator and what it said."""

    clock: StillClock
    store: MetricStore
    session: boto3.Session
    actions: ActionRunner = field(init=False)
    evaluator: AlarmEvaluator = field(init=False)
    events: list[tuple[str, str, list[str], dict[str, Any]]] = field(default_factory=list)
    transitions: list[tuple[str, str, str]] = field(default_factory=list)
    invocations: list[dict[str, Any]] = field(default_factory=list)
    admitted: str | None = "lambda.alarms.cloudwatch.amazonaws.com"

    @property
    def cloudwatch(self) -> Any:
        return self.session.client("cloudwatch")

    def alarm(self, name: str = "errors", **changes: Any) -> None:
        self.cloudwatch.put_metric_alarm(
            **{
                "AlarmName": name,
                "Namespace": "Shop",
                "MetricName": "Errors",
                "Dimensions": [{"Name": "Arm", "Value": "canary"}],
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 5,
                "ComparisonOperator": "GreaterThanThreshold",
            }
            | changes
        )

    def put(self, value: float, at: float, *, name: str = "Errors", resolution: int = 60) -> None:
        key = series_key("Shop", name, {"Arm": "canary"})
        self.store.put(key, value, at=at, resolution=resolution)

    def alarm_of_math(self, name: str, expression: str, **metrics: str) -> None:
        dimensions = [{"Name": "Arm", "Value": "canary"}]
        self.cloudwatch.put_metric_alarm(
            AlarmName=name,
            EvaluationPeriods=1,
            Threshold=0.02,
            ComparisonOperator="GreaterThanThreshold",
            Metrics=[
                {"Id": "result", "Expression": expression, "ReturnData": True},
                *(
                    {
                        "Id": query,
                        "ReturnData": False,
                        "MetricStat": {
                            "Metric": {
                                "Namespace": "Shop",
                                "MetricName": metric,
                                "Dimensions": dimensions,
                            },
                            "Period": 60,
                            "Stat": "Sum",
                        },
                    }
                    for query, metric in metrics.items()
                ),
            ],
        )

    def topic_with_queue(self) -> tuple[str, str]:
        sqs, sns = self.session.client("sqs"), self.session.client("sns")
        queue = sqs.create_queue(QueueName="heard")["QueueUrl"]
        topic = sns.create_topic(Name="told")["TopicArn"]
        sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:heard"
        )
        return topic, queue

    def messages(self, queue: str) -> list[dict[str, Any]]:
        received = self.session.client("sqs").receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10
        )
        return [json.loads(each["Body"]) for each in received.get("Messages", [])]

    def invoke_for(self, principal: str, source_arn: str, function: str, event: Any) -> bool:
        """A function runner whose only function's policy admits `admitted`."""
        if (principal, function) != (self.admitted, FUNCTION):
            return False
        self.invocations.append({"from": source_arn, **json.loads(json.dumps(event))})
        return True

    def composite(self, name: str, rule: str, **options: Any) -> None:
        self.cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule=rule, **options)

    def run(self, until: float) -> None:
        while self.clock.at < until:
            self.clock.at += 10
            self.evaluator.evaluate(self.clock.at)
        self.actions.finish()

    def state(self, name: str = "errors") -> str:
        return self.evaluator.states()[name]
