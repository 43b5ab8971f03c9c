"""A third region, which is one table of the policy, runs here like the others."""

from __future__ import annotations

import pytest

from tests.local.test_region import assert_clean, run
from tests.stacks.test_regions import THIRD, third_region_policy


@pytest.mark.region
def test_a_region_added_to_the_policy_runs_without_a_code_edit() -> None:
    """Its templates deploy, its release follows the wave before, and a fault rolls it back.

    By the critical composite of the templates, whose action takes traffic off the canary.
    """
    policy = str(third_region_policy())
    arguments = ("--scenario", "errors", "--policy", policy, "--region", THIRD)
    status, result, said = run(*arguments)
    assert (status, result.get("outcome")) == (0, "ROLLED_BACK"), said
    assert "ap-northeast-1 is not run" in said
    assert result["ended_by"] == "alarm"
    assert "canary-critical" in result["alarms"]
    assert result["seconds_alarm_to_last_canary_request"] is not None
    assert result["reassigned"]["canary_rollback"] > 0
    assert result["customer_errors"] == 0
    assert_clean(result, said)
