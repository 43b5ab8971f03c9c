"""Fixtures of the embedded region's tests."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws
from moto.cloudwatch.models import cloudwatch_backends

from canary.local import cloudwatch_patches
from canary.local.alarm_actions import ActionRunner
from canary.local.alarms import AlarmEvaluator
from canary.local.metrics import MetricStore
from canary.local.patches import Patches
from tests.local.alarm_bench import ACCOUNT, REGION, AlarmBench, StillClock


@pytest.fixture
def aws_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are no keys, and a region."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@pytest.fixture
def bench(aws_keys: None) -> Iterator[AlarmBench]:
    """A patched CloudWatch, a store, a clock that stands still, and an evaluator."""
    with mock_aws():
        clock, store = StillClock(), MetricStore()
        patches = Patches()
        cloudwatch_patches.install(patches, store, clock)
        session = boto3.Session(region_name=REGION)
        made = AlarmBench(clock, store, session)
        made.actions = ActionRunner(session, made.invoke_for, account=ACCOUNT, region=REGION)
        made.evaluator = AlarmEvaluator(
            cloudwatch_backends[ACCOUNT][REGION],
            store,
            clock,
            made.actions,
            emit_event=lambda *event: made.events.append(event),
            on_transition=lambda name, old, new, _reason, _at: made.transitions.append(
                (name, old, new)
            ),
        )
        yield made
        made.actions.close()
        patches.undo()
