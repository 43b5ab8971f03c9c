"""Fixtures of the embedded region's tests."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws
from moto.awslambda.models import LambdaFunction
from moto.cloudwatch.models import cloudwatch_backends

from canary.local import cloudwatch_patches
from canary.local.alarm_actions import ActionRunner
from canary.local.alarms import AlarmEvaluator
from canary.local.metrics import MetricStore
from tests.local.alarm_bench import ACCOUNT, REGION, AlarmBench, StillClock


@pytest.fixture
def aws_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are no keys, and a region."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@pytest.fixture
def bench(aws_keys: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[AlarmBench]:
    """A patched CloudWatch, a store, a clock that stands still, and an evaluator."""
    with mock_aws():
        clock, store = StillClock(), MetricStore()
        undo = cloudwatch_patches.install(store, clock)
        session = boto3.Session(region_name=REGION)
        actions = ActionRunner(session, account=ACCOUNT, region=REGION)
        made = AlarmBench(clock, store, actions, session)
        made.evaluator = AlarmEvaluator(
            cloudwatch_backends[ACCOUNT][REGION],
            store,
            clock,
            actions,
            emit_event=lambda *event: made.events.append(event),
            on_transition=lambda name, old, new, _reason, _at: made.transitions.append(
                (name, old, new)
            ),
        )
        monkeypatch.setattr(
            LambdaFunction,
            "invoke",
            lambda _self, body, *_: made.invocations.append(json.loads(body)) or b"{}",
        )
        yield made
        actions.close()
        undo()
