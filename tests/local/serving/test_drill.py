"""`canary drill` on an embedded region: the deployed functions, rules, alarm and action."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from canary.aws.records import Releases
from canary.local.region import RELEASES_TABLE, EmbeddedRegion
from canary.release.drill import PREPARE_SECONDS, SAFE_SECONDS
from tests.stacks.assembly import ROOT

pytestmark = pytest.mark.region

CALM_SECONDS = 1800.0
"""Virtual: an alarm of five minutes' counts is over long before, on a slow machine too."""


def drill(region: EmbeddedRegion) -> tuple[int, dict[str, Any]]:
    """What a person's `canary drill --json` comes to."""
    status, said = region.command("drill", "--json")
    assert said.startswith("{"), (said, region.failures())
    report = json.loads(said)
    assert Releases(region.client("dynamodb"), RELEASES_TABLE).lock() is None
    return status, report


def wait_for_calm(region: EmbeddedRegion) -> None:
    """Until no alarm of the last drill is raised any more."""
    until = region.clock.now() + CALM_SECONDS
    while any(state == "ALARM" for _, state, _, _ in region.alarm_lines()):
        assert region.clock.now() < until, region.alarm_lines()
        time.sleep(0.2)


def test_a_drill_passes_by_the_real_alarm(region: EmbeddedRegion) -> None:
    """Refused calls, the load balancer's counts, the alarm, its action, the rollback function."""
    status, report = drill(region)
    assert (status, report["outcome"]) == (0, "passed"), (report, region.failures())
    assert "canary-5xx" in report["alarms"]
    assert 0 <= report["seconds"]["alarm_to_safe"] < SAFE_SECONDS
    assert report["canary_requests"] > 0
    assert report["seconds"]["whole"] < PREPARE_SECONDS + 600
    assert region.balancer.last_request_at(region.target_group("canary"))


def test_a_throttled_rollback_fails_the_drill_by_name(region: EmbeddedRegion) -> None:
    """Without concurrency nobody answers the alarm; the drill itself puts the rules back."""
    wait_for_calm(region)
    client = region.client("lambda")
    client.put_function_concurrency(FunctionName="canary-rollback", ReservedConcurrentExecutions=0)
    try:
        status, report = drill(region)
    finally:
        client.put_function_concurrency(
            FunctionName="canary-rollback", ReservedConcurrentExecutions=5
        )
    assert (status, report["outcome"], report["step"]) == (1, "failed", "rollback"), report
    assert "weights" in report["failures"]
    assert "clean_up" not in report["failures"]


def test_a_drill_needs_no_more_than_its_command(region: EmbeddedRegion) -> None:
    """A second drill while a first one runs is refused: the lock is held."""
    wait_for_calm(region)
    patient = (sys.executable, "-m", "canary.local.patience", str(region.clock.factor))
    words = (*patient, "drill", "--region", region.policy.region)
    environment = {
        **region.parts.emulator.child_environment("region"),
        "PYTHONPATH": str(ROOT),
    }
    first = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    releases = Releases(region.client("dynamodb"), RELEASES_TABLE)
    while releases.lock() is None and first.poll() is None:
        time.sleep(0.05)
    status, said = region.command("drill")
    assert (status, "is active" in said) == (1, True), said
    told, _ = first.communicate(timeout=900)
    assert first.returncode == 0, told
    assert "alarm to safe weights" in told
