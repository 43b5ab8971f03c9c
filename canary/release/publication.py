"""What the API tier is told as a release goes on, and when it is over."""

from __future__ import annotations

from canary.policy.compiled import CompiledPolicy
from canary.release.model import ReleaseState
from canary.routing.parameter import AssignmentParameter, active_parameter

__all__ = ["POLL_MARGIN_SECONDS", "parameter_at", "parameter_over"]

POLL_MARGIN_SECONDS = 12.0
"""Two polls of the assignment parameter and a little: every API task has read it by then."""


def parameter_at(
    after: ReleaseState, policy: CompiledPolicy, stage: int, *, promoting: bool = False
) -> AssignmentParameter:
    """The parameter for `stage`, to be published with the record `after`."""
    return active_parameter(
        policy,
        release_id=after.release_id,
        test_id=after.test_id,
        stage=stage,
        control_model=after.control,
        canary_model=after.candidate,
        policy_version=after.policy_digest,
        version=after.version + 1,
        promoting=promoting,
    )


def parameter_over(after: ReleaseState, *, promoted: bool) -> AssignmentParameter:
    """The parameter of a release that is no longer active: promoted, or rolled back."""
    return AssignmentParameter(
        active=False,
        release_id=after.release_id,
        test_id=after.test_id,
        stage=after.stage,
        promoted=promoted,
        control_model=after.control,
        canary_model=after.candidate,
        policy_version=after.policy_digest,
        version=after.version + 1,
    )
