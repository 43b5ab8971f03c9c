"""How long this release's test lasts: longer than planned when a promotion falls into it."""

from __future__ import annotations

from canary.policy.compiled import CompiledPolicy
from canary.release.calendar import closure_spans
from canary.release.model import ReleaseState

__all__ = ["planned_seconds"]


def planned_seconds(policy: CompiledPolicy, state: ReleaseState) -> int:
    """Seconds from first exposure to the last look.

    The last of the policy's looks; a test whose planned days meet a day of the calendar lasts at
    least `promotion_test_seconds` (A8: seven days before and seven after). That depends on the
    first exposure alone, so it never changes during a test.
    """
    plan = policy.statistics
    start = state.first_exposure_at
    if start is None or plan.promotion_test_seconds <= plan.test_seconds:
        return plan.test_seconds
    met = closure_spans(policy.calendar, policy.timezone, start, start + plan.test_seconds)
    return plan.promotion_test_seconds if met else plan.test_seconds
