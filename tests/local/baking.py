"""A release that bakes at its first stage, for tests of what is read of it."""

from __future__ import annotations

from canary.release.model import Phase, ReleaseState
from tests.local.alarm_bench import REGION

__all__ = ["baking"]


def baking(
    *, admitted_at: float, first_exposure_at: float, block_started_at: float
) -> ReleaseState:
    """Release r-1 of test t-1; times are epoch seconds."""
    return ReleaseState(
        release_id="r-1",
        test_id="t-1",
        candidate="model-b",
        control="model-a",
        region=REGION,
        phase=Phase.BAKING,
        policy="{}",
        policy_digest="d",
        admitted_at=admitted_at,
        execution_arn="arn",
        stage=1,
        first_exposure_at=first_exposure_at,
        block_started_at=block_started_at,
    )
